// The API reference. Swagger UI shows the specification of this server and calls this server. This file sets it up, adds
// a field for the key, and adds what the markup of Swagger UI lacks for keyboards and screen readers.

/** The name of the key in the specification. */
const SCHEME = 'key';

/** Where the specification is. */
const SPECIFICATION = '/openapi.json';

const form = document.getElementById('key-form');
const field = document.getElementById('key');
const state = document.getElementById('key-state');
const reference = document.getElementById('reference');

// Swagger UI is dark with this class, and does not read the browser's setting.
const dark = matchMedia('(prefers-color-scheme: dark)');
const followSetting = () => document.documentElement.classList.toggle('dark-mode', dark.matches);
followSetting();
dark.addEventListener('change', followSetting);

/**
 * Moves the examples of optional parameters into their descriptions. Swagger UI would send each example, and a call with
 * all optional parameters is hardly ever the one that the user wants to try.
 */
function describeOptionalExamples(specification) {
  const operations = Object.values(specification.paths).flatMap((path) => Object.values(path));
  const parameters = operations.flatMap((operation) => operation.parameters ?? []);
  for (const parameter of [...parameters, ...Object.values(specification.components.parameters)]) {
    if (parameter.$ref || parameter.required || parameter.example === undefined) continue;
    parameter.description += `\n\nExample: \`${parameter.example}\``;
    delete parameter.example;
  }
}

/** Shows nothing in place of a component of Swagger UI. */
const nothing = () => () => null;

const components = {
  // There is one server, this one.
  ServersContainer: nothing,
  // The field at the top is the only place for the key.
  AuthorizeBtnContainer: nothing,
  authorizeOperationBtn: nothing,
  // A link to another host.
  OAS31License: nothing,
  // A link inside a button. The button changes the address, too.
  DeepLink: (original, { React }) => ({ text }) => React.createElement('span', null, text),
};

function show(specification) {
  describeOptionalExamples(specification);
  const ui = SwaggerUIBundle({
    spec: specification,
    domNode: reference,
    // The address names the open operation.
    deepLinking: true,
    displayRequestDuration: true,
    syntaxHighlight: { theme: 'tomorrow-night' },
    // Swagger UI would send the specification to a server of its makers, and show a badge with the verdict.
    validatorUrl: null,
    presets: [SwaggerUIBundle.presets.apis],
    plugins: [{ wrapComponents: components }],
  });
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    // The key is in the memory of the page alone.
    const key = field.value.trim();
    if (key) ui.preauthorizeApiKey(SCHEME, key);
    else ui.authActions.logout([SCHEME]);
    state.value = key ? 'The operations send this key until you close the page.' : 'The operations send no key.';
  });
}

/** Attributes that elements of Swagger UI lack, by selector. */
const LACKING = {
  'select.examples-select-element': { ariaLabel: 'Example' },
  'textarea.body-param__text': { ariaLabel: 'Body of the request' },
  // Swagger UI makes a landmark of each table of answers.
  '.responses-table[role=region]': { role: 'table' },
  '.information-container': { role: 'region', ariaLabel: 'About the API' },
  'h3.opblock-tag': { ariaLevel: '2' },
  'h4': { ariaLevel: '3' },
  'h5': { ariaLevel: '4' },
  // The keyboard must reach a block to scroll it.
  'pre': { tabIndex: 0 },
};

function addLacking() {
  for (const [selector, attributes] of Object.entries(LACKING)) {
    for (const element of reference.querySelectorAll(selector)) {
      for (const [name, value] of Object.entries(attributes)) {
        if (element[name] !== value) element[name] = value;
      }
    }
  }
}

new MutationObserver(addLacking).observe(reference, { childList: true, subtree: true });

const failed = 'The specification could not be loaded. Reload the page to try again.';
fetch(SPECIFICATION)
  .then((answer) => (answer.ok ? answer.json() : Promise.reject(new Error(answer.status))))
  .then(show, () => {
    reference.textContent = failed;
  });
