//! The words that generated names consist of. Lists are ordered from the most to the least common word.

use std::collections::HashSet;

use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

/// First names, ordered from the most to the least common. The frequency of the n-th name is proportional to
/// 1 / (n + 5). [`SPECIAL_NAMES`] has the names whose frequency matters.
pub(super) const FIRST_NAMES: &str = "\
    María José Juan Ana Luis Carlos Jorge Sofía Pedro Martín Valentina Camila Lucía Diego Pablo Laura Daniel Andrea \
    Gabriel Paula Fernando Claudia Alejandro Carolina Marcelo Patricia Ricardo Daniela Miguel Natalia Roberto \
    Florencia Sergio Mariana Eduardo Julieta Francisco Gabriela Nicolás Silvia Matías Verónica Gustavo Cecilia \
    Sebastián Lorena Rodrigo Mónica Santiago Rosa Lucas Victoria Mateo Constanza Felipe Isabel Raúl Adriana Hugo \
    Beatriz João Fernanda Thiago Larissa Rafael Juliana Antônio Bruna Iván Teresa Agustín Josefa Emilio Pilar Ramiro \
    Elena";

pub(super) const LAST_NAMES: &str = "\
    González Rodríguez García Fernández Martínez Pérez Gómez Sánchez Díaz Romero Silva Muñoz Rojas Santos Hernández \
    Ramírez Torres Castro Vargas López Oliveira Souza Álvarez Ruiz Flores Acosta Benítez Medina Herrera Suárez \
    Aguirre Giménez Gutiérrez Pereyra Soto Contreras Sepúlveda Morales Fuentes Espinoza Reyes Ortiz Cruz Mendoza \
    Guzmán Salazar Delgado Ríos Cabrera Molina Navarro Vega Campos Núñez Ponce Smith Costa Pereira Almeida Ribeiro \
    Carvalho Lima Araújo Barbosa Gonçalves Moreira Restrepo Ospina Zuluaga Cárdenas Valencia Quintero Bianchi Rossi \
    Ferrari Ibáñez Quiroga Zapata Lagos Tapia";

/// Names by their share of all people in ten-thousandths. 72 % of these people have the name in their email.
pub(super) const SPECIAL_NAMES: [(&str, u32); 2] = [("John", 278), ("Ximena", 14)];

/// Rarer first names than [`FIRST_NAMES`].
const RARE_FIRST_NAMES: &str = "\
    Joaquín Tomás Facundo Ignacio Franco Bruno Ezequiel Leandro Maximiliano Mauricio Julián Emiliano Benjamín \
    Vicente Cristian Cristóbal Ángel Alberto Alfredo Álvaro Andrés Antonia Antonio Ariel Armando Arturo Augusto \
    Belén Bernardo Brenda Brian Camilo Candela Catalina César Clara Cristina Damián Darío Débora Delfina Dolores \
    Elías Elisa Emanuel Emilia Emma Enrique Ernesto Esteban Estefanía Estela Esther Eugenia Eva Fabián Fabiola \
    Fátima Federico Félix Gastón Gerardo Germán Gisela Gladys Gloria Gonzalo Graciela Gregorio Guadalupe Guillermina \
    Guillermo Héctor Hernán Horacio Inés Irene Irma Isidora Ismael Ivana Jacinto Jacqueline Jaime Javier Jazmín \
    Jennifer Jesús Jimena Jonathan Josué Juana Julia Julio Karen Karina Karla Katherine Kevin Leonardo Leonel \
    Leticia Liliana Lisandro Lorenzo Lourdes Luciana Luciano Luisa Macarena Magdalena Malena Manuel Manuela Marcela \
    Marcos Margarita Mariano Maricel Marina Mario Marisol Marta Martina Mauro Maximo Melina Melisa Mercedes Micaela \
    Milagros Miriam Mirta Morena Nadia Nahuel Nancy Néstor Noelia Nora Norberto Norma Octavio Olga Omar Orlando \
    Óscar Osvaldo Paola Patricio Paulina Rebeca Regina Renata Renato René Rocío Rodolfo Rolando Román Romina Roque \
    Rosario Roxana Rubén Sabrina Salvador Samuel Sandra Sara Saúl Selena Simón Soledad Solange Sonia Stella Susana \
    Tamara Tania Tatiana Trinidad Ulises Uriel Valeria Valentín Vanesa Vanina Viviana Walter Wanda Wilson Yamila \
    Yanina Yesenia Yolanda Zulema Abigail Abril Adán Adela Adelina Adolfo Agostina Agustina Aída Ailén Aimé Alan \
    Alba Aldana Aldo Alejandra Alejo Alexander Alexis Alfonso Alicia Alina Alison Alma Almudena Amalia Amanda Amaya \
    Ambar Amelia América Amparo Anabel Anahí Analía Anastasia Angélica Angelina Angie Anita Anselmo Antonella \
    Apolonia Araceli Aranza Ariadna Ariana Arlette Artemio Ashley Astrid Aurelio Aurora Azucena Azul Baltazar \
    Bárbara Bartolomé Bautista Beltrán Benicio Benito Berenice Bernardita Berta Betiana Bianca Blanca Blas Bonifacio \
    Braulio Brígida Bryan Caetano Caio Calixto Camilla Carina Carla Carmela Carmen Casandra Casimiro Celeste \
    Celestino Celia Chiara Ciro Clarisa Claudio Clemente Clementina Cleo Consuelo Corina Crescencio Cynthia Dafne \
    Dalila Dalma Dana Danilo Dante Danna Dayana Delia Demetrio Denise Desirée Diana Dina Dino Dionisio Domingo Dora \
    Dulce Dylan Eber Edgar Edgardo Edison Edith Efraín Eladio Elba Eleonora Eliana Eliseo Elizabeth Elsa Elvira Enzo \
    Érica Erick Ernestina Erwin Esmeralda Esperanza Eugenio Eulalia Evangelina Evelyn Ezio Fabio Fabricio Fanny \
    Faustino Fausto Felicitas Feliciano Felisa Fermín Fidel Filomena Fiorella Flavia Flavio Flor Fortunato Francesca \
    Freddy Frida Galo Gaspar Genaro Genoveva Georgina Geraldine Gianella Gil Gilberto Gino Giovanna Giselle Giuliana \
    Greta Griselda Guido Haydée Heriberto Hermes Hilario Hilda Hipólito Honorio Hortensia Humberto Ian Iara Igor \
    Ileana Imanol Indira Inocencio Iñaki Iris Isaac Isabella Isaías Isidro Israel Itziar Ivette Ivonne Jaqueline \
    Jerónimo Jessica Joel Jorgelina Josefina Jovita Juanita Judith Justina Justo Kiara Lara Lautaro Lázaro Lea Leila \
    Lena Leocadia León Leonor Leopoldo Lía Lidia Ligia Lila Lina Lionel Lisa Lisette Liz Lola Lorelei Luana Luca \
    Lucero Lucio Lucrecia Luna Luz Luzmila Lydia Mabel Macario Maia Maira Maite Malvina Mara Marcelino Marcial Marco \
    Margot Marianela Mariángeles Maribel Mariela Marilyn Marisa Maritza Marlene Martha Mary Matilde Máximo Maya \
    Mayra Melania Melchor Melody Mía Milena Milton Minerva Mireya Modesto Moira Moisés Nadine Naiara Natanael \
    Nazareno Nelly Nelson Nicanor Nicole Nicolasa Nidia Nieves Nilda Nina Noemí Nuria Ofelia Oriana Oriol Orlanda \
    Otto Paloma Pamela Pancracio Parménides Pascual Paulo Paz Perla Petra Piedad Plácido Porfirio Primitivo \
    Prudencio Quintín Rafaela Raimundo Ramón Ramona Raquel Remedios Reinaldo Ricarda Rigoberto Rita Roberta Rómulo \
    Ronald Rosalía Rosana Rosaura Rosendo Rosina Roy Ruperto Ruth Sabina Samanta Samira Santino Santos Sasha Serena \
    Serafín Severino Sheila Sibila Silvana Silvestre Silvina Simona Sixto Sócrates Sol Stefano Tadeo Tarsicio Telma \
    Teo Teodora Teodoro Thelma Timoteo Tobías Toribio Tristán Ubaldo Umberto Urbano Úrsula Valentino Vera Vilma \
    Violeta Virgilio Virginia Viridiana Vito Vladimir Wendy Wenceslao Wilfredo William Xavier Xiomara Yago Yasmín \
    Yazmín Yael Yenny Yésica Yohana Zacarías Zaira Zoé Zoila Zulma Letícia Vinícius Heitor Thaís Tainá Luíza Kauã \
    Murilo Davi Aline Priscila Jéssica Simone Vanessa Rogério Márcia Edson Adriano Sônia Cláudio Fábio Luciene \
    Rosângela Cauê Iracema Moacir Ubirajara Nayara Raíssa";

/// Rarer surnames than [`LAST_NAMES`]. Compounds from [`COMPOUNDS`] come after them.
const RARE_LAST_NAMES: &str = "\
    Domínguez Vázquez Ramos Gil Serrano Blanco Jiménez Moreno Marín Iglesias Méndez Cortés Castillo Guerrero Lozano \
    Cano Prieto Calvo Gallego Vidal León Márquez Peña Cabello Campo Garrido Gallardo Pascual Santana Hidalgo Lorenzo \
    Montero Durán Ferrer Carmona Pastor Vicente Soler Crespo Rivas Arias Roldán Parra Bravo Rivera Rey Velasco \
    Esteban Benavente Nieto Caballero Carrasco Bustos Araya Valenzuela Riquelme Figueroa Henríquez Orellana Cáceres \
    Alarcón Saavedra Vergara Leiva Toro Zúñiga Olivares Pizarro Cornejo Jara Escobar Yáñez Sandoval Valdés Venegas \
    Godoy Cisternas Farías Inostroza Alvarado Poblete Salinas Maldonado Aravena Lagos Villalobos Arancibia \
    Bahamondes Barría Barrientos Burgos Catalán Cerda Cifuentes Concha Donoso Echeverría Escalona Fierro Fuentealba \
    Gajardo Galaz Hormazábal Huenchumán Jorquera Labra Lizama Llanos Manríquez Mardones Melo Mella Miranda Moraga \
    Neira Norambuena Nuñez Ojeda Oyarzún Pacheco Palma Pavez Pinochet Pinto Quezada Quijada Quiroz Rebolledo Retamal \
    Rubilar Sáez Sanhueza Santibáñez Tobar Troncoso Ulloa Urrutia Uribe Valdebenito Valdivia Vallejos Vera Villagra \
    Villanueva Villarroel Zamora Zambrano Zárate Sosa Ledesma Luna Juárez Cardozo Peralta Ponce Coronel Villalba \
    Mansilla Maidana Paz Ayala Bustamante Barrios Correa Córdoba Franco Arce Miño Chávez Leguizamón Lucero Páez \
    Soria Toledo Velázquez Vallejo Escudero Barreto Duarte Frías Galván Heredia Ibarra Lezcano Meza Montenegro \
    Moyano Nievas Olmos Otero Palacios Paredes Peñaloza Quinteros Rolón Sayago Segovia Tolosa Valdez Verón Videla \
    Vivas Zalazar Abalos Abregú Alegre Altamirano Amaya Andrada Aranda Arrieta Avalos Balmaceda Barraza Basualdo \
    Battaglia Bazán Bermúdez Britos Brizuela Calderón Campana Cantero Carabajal Carranza Caruso Casas Cejas \
    Centurión Ceballos Chamorro Colman Corvalán Cuello Dávila Denis Espíndola Esquivel Estigarribia Falcón Fariña \
    Figueredo Funes Gauna Gaona Giordano Goñi Gorosito Grasso Guevara Insaurralde Isla Jaime Lascano Lencina Leyes \
    Loyola Lugo Machado Maciel Manzano Mareco Marconi Mercado Mazza Melgarejo Mieres Monzón Nazar Nieva Obregón \
    Ocampo Olivera Orona Oviedo Pagano Pavón Pedraza Pereyra Pintos Portillo Puebla Quispe Mamani Condori Choque \
    Huanca Apaza Flores Ticona Rengifo Robledo Rocha Rosales Ruíz Salas Saldaño Salvatierra Santillán Sarmiento \
    Sierra Sotelo Taborda Tévez Trejo Urquiza Valle Varela Vélez Viera Villa Villar Yapura Yegros Zabala Zárraga \
    Zeballos Bedoya Betancur Cardona Giraldo Gaviria Hoyos Jaramillo Londoño Mejía Montoya Múnera Naranjo Ochoa \
    Orozco Osorio Patiño Pulgarín Rendón Sepulveda Tabares Tamayo Tangarife Velásquez Villegas Yepes Arango Arboleda \
    Arbeláez Barrera Bohórquez Buitrago Caicedo Castañeda Castaño Castellanos Cuéllar Escobedo Forero Galeano \
    Galindo Garzón Gómez Guarín Hincapié Holguín Ladino Lozada Marulanda Monsalve Murillo Niño Palacio Pineda Pinzón \
    Posada Quiceno Rincón Rivillas Rueda Salgado Sanabria Tobón Trujillo Urrego Usuga Vanegas Zuleta Abarca Acevedo \
    Aguayo Aguilar Aguilera Alcántara Alemán Alfaro Almanza Alonso Amador Anaya Ángeles Aparicio Arellano Arreola \
    Arroyo Arteaga Ávila Ayón Baeza Ballesteros Bañuelos Barajas Becerra Beltrán Bernal Briones Caldera Camacho \
    Camarena Cantú Carbajal Cárdenas Carreón Carrillo Casillas Cedillo Cervantes Chavarría Cisneros Collazo Coronado \
    Corral Covarrubias Cuevas De-León Elizondo Enríquez Escamilla Esparza Espino Estrada Félix Galarza Gálvez Gamboa \
    Garay Garza Granados Guajardo Guillén Haro Hinojosa Huerta Iñiguez Jáuregui Lara Leal Ledezma Leyva Limón \
    Linares Lira Macías Madrigal Magaña Manzanares Marroquín Mata Mayorga Medrano Melgoza Mireles Mondragón Montalvo \
    Montes Mora Moreira Mota Murguía Nájera Nava Negrete Nevárez Olguín Olvera Ontiveros Ordóñez Ornelas Oropeza \
    Padilla Palomino Partida Pedroza Peñuelas Perales Preciado Prado Pulido Quintana Ramírez Rangel Razo Rentería \
    Reséndiz Reynoso Robles Rosas Rubio Saldívar Salcedo Samaniego Sauceda Serna Sevilla Solano Solís Solórzano \
    Tejeda Téllez Tello Terán Tinoco Tirado Tovar Treviño Urbina Valadez Valdovinos Valenciano Valles Vargas Vela \
    Velarde Ventura Verdugo Verduzco Villalpando Villaseñor Ybarra Zamudio Zaragoza Zepeda Abreu Aguiar Alencar \
    Alves Amaral Amorim Andrade Antunes Aquino Assis Azevedo Barros Bastos Batista Bezerra Borges Botelho Braga \
    Brandão Brito Bueno Cabral Caldas Camargo Cardoso Carneiro Cavalcanti Chagas Coelho Conceição Cordeiro Coutinho \
    Cunha Dantas Dias Domingues Dutra Esteves Faria Farias Fernandes Ferreira Fonseca Fontes Fraga França Freire \
    Freitas Furtado Garcez Gomes Gouveia Guedes Guerra Guimarães Jesus Lacerda Leão Leite Lins Lopes Macedo \
    Magalhães Maia Marinho Marques Martins Matos Medeiros Meireles Mello Mendes Menezes Mesquita Monteiro Moraes \
    Moura Nascimento Neves Nogueira Novaes Nunes Paiva Passos Peixoto Pessoa Pimenta Pimentel Pinheiro Pires Prates \
    Queiroz Ramalho Rezende Rodrigues Sá Sales Salles Sampaio Saraiva Siqueira Soares Tavares Teixeira Teles Valente \
    Vasconcelos Veloso Viana Vieira Vilela Xavier Müller Schmidt Schneider Fischer Weber Meyer Wagner Becker Schulz \
    Hoffmann Koch Richter Klein Wolf Schröder Neumann Schwarz Zimmermann Krüger Hartmann Werner Brown Jones Miller \
    Davis Wilson Taylor Thomas Moore Jackson White Harris Martin Clark Lewis Walker Hall Young King Wright Green \
    Baker Adams Nelson Carter Mitchell Roberts Turner Phillips Campbell Parker Evans Edwards Collins Stewart Morris \
    Murphy Cook Rogers Morgan Cooper Kelly O'Connor O'Brien D'Angelo D'Amico O'Higgins Nguyen Chen Wang Kim Park \
    Tanaka Nakamura Yamamoto Haddad Khoury Saleh Nasser Dubois Lefèvre Moreau Laurent Søndergaard Kovač Łukasik";

/// Surnames of several words.
const WORDY_LAST_NAMES: [&str; 48] = [
    "de la Cruz",
    "San Martín",
    "de los Santos",
    "da Silva",
    "dos Santos",
    "del Río",
    "de la Fuente",
    "de León",
    "del Valle",
    "de la Torre",
    "de Souza",
    "de Oliveira",
    "Di Pietro",
    "De Luca",
    "de la Rosa",
    "Santa Cruz",
    "Santa María",
    "del Castillo",
    "Montes de Oca",
    "Ponce de León",
    "de la Vega",
    "de la Peña",
    "de los Ríos",
    "del Campo",
    "de Jesús",
    "da Costa",
    "do Nascimento",
    "das Neves",
    "de Almeida",
    "de Lima",
    "Di Stefano",
    "Dalla Costa",
    "De Marco",
    "De Simone",
    "Di Giorgio",
    "Lo Bianco",
    "La Rocca",
    "del Pino",
    "de Anda",
    "de la Garza",
    "de la Barrera",
    "de la Hoz",
    "de los Ángeles",
    "Ladrón de Guevara",
    "San Román",
    "van der Berg",
    "von Appen",
    "Mac Lean",
];

/// Beginnings and endings of Basque, Italian, German, Slavic and Catalan surnames. Each beginning goes with each ending
/// of its language. The result looks like a surname.
const COMPOUNDS: [(&str, &str); 5] = [
    (
        "\
        Etche Goye Iri Elizal Zubi Ola Ara Larra Urru Goiko Iba Bil Oya Uga Arri Mendi Iza Sala Ber Echa Gara Barren \
        Inchau Yri Zuba Ansor Arto Aspi Beri Buru Egui Erra Gaz Ibar Iraz Jauri Lasa Lete Ochan Orma Otei Sara",
        "\
        verry neche garay goyen zábal mendi barrena chea zar arte berri be ta aga ondo rena gaña güe rri diano rre \
        iturri",
    ),
    (
        "\
        Bonet Cap Mar Gall Ross Ferr Lomb Mont Pell Bern Sant Zan Bertol Cast Mor Tomas Panz Ricc Rin Volp Rav Cav \
        Gamb Manc Fior Bass Colomb Past Per Palm Tass Guid Lor Med Nard Quar Sabat Scarp Tor Vent",
        "\
        elli etti ini oni ucci ardi ato esi aro otti asso ieri ano azzi ella ina",
    ),
    (
        "\
        Schwarz Hof Rosen Linden Stein Grün Wein Eichen Kirch Wald Sonnen Blumen Feuer Winter Oster Neu Alten Hirsch \
        Birken Lauter Morgen Reichen",
        "\
        mann berg stein bach feld hauser thal müller meier",
    ),
    (
        "\
        Kowal Nowak Wiśniew Petr Ivan Horvat Kamin Zielin Lewand Dąbrow Jankow Sokol Marin Pavl Radov Stank Vukov \
        Yakov",
        "\
        ski ić enko ov czyk owicz uk",
    ),
    (
        "\
        Puig Font Serra Roca Bosch Vila Mas Pla Ribas Torre Casa Mir Car Mont Coll Plana",
        "\
        dell devall bert segur bella ventós grós fred sagna nova mitjana tella",
    ),
];

/// Kinds of businesses. A contact can be a business: `Ferretería San Martín`.
pub(super) const BUSINESSES: &str = "\
    Ferretería Panadería Farmacia Librería Peluquería Kiosco Carnicería Verdulería Taller Inmobiliaria Estudio \
    Clínica Distribuidora Constructora Transportes Restaurante Hotel Óptica Veterinaria Gimnasio Florería Heladería \
    Pizzería Zapatería Joyería Mueblería Lavandería Imprenta Consultora Academia";

/// The ends of business names.
pub(super) const COMPANY_FORMS: [&str; 8] = [
    "SRL",
    "S.A.",
    "Ltda.",
    "& Hijos",
    "& Asociados",
    "SpA",
    "Hnos.",
    "S.A.S.",
];

/// What people add to a name to recognise it: a trade, or how they know each other.
pub(super) const LABELS: &str = "\
    Plomero Electricista Gasista Pintor Taxi Vecina Contadora Cliente Proveedor Trabajo Facultad Colegio \
    Inmobiliaria Seguro Delivery Niñera Jardinero Masajes Gym Mecánico";

pub(super) const EMOJIS: &str = "\
    🌸 ⭐ ❤️ 🔥 🌻 💪 🚗 🏠 💅 ⚽ 🎵 🐶 ✨ 🦋 👑 🇦🇷 🇨🇱 🇧🇷 ☀️ 💼";

/// Names in other scripts: the words that come first, the words that come last, and what is written between them.
pub(super) const OTHER_SCRIPTS: [(&str, &str, &str); 6] = [
    (
        "Иван Ольга Дмитрий Наталья Сергей Елена",
        "Петров Иванова Кузнецов Соколова Попов",
        " ",
    ),
    ("李 王 张 刘 陈", "伟 芳 娜 秀英 静", ""),
    ("محمد فاطمة أحمد مريم يوسف", "حسن الخطيب منصور سالم", " "),
    ("Γιώργος Μαρία Νίκος Ελένη", "Παπαδόπουλος Νικολάου Γεωργίου", " "),
    ("דוד שרה יעקב מרים", "כהן לוי מזרחי פרץ", " "),
    ("김 이 박 최", "민준 서연 지훈 하은", ""),
];

/// Rarer first names, without those of [`FIRST_NAMES`].
pub(super) fn rare_first_names() -> Vec<String> {
    unique(RARE_FIRST_NAMES.split_whitespace().map(str::to_owned), FIRST_NAMES)
}

/// Rarer surnames, without those of [`LAST_NAMES`]: first the simple ones, mixed with those of several words, then the
/// compounds in an order that looks random and is always the same.
pub(super) fn rare_last_names() -> Vec<String> {
    let mut names = Vec::new();
    let mut wordy = WORDY_LAST_NAMES.iter();
    for (at, name) in RARE_LAST_NAMES.split_whitespace().enumerate() {
        names.push(name.replace('-', " "));
        if at % 8 == 0 {
            names.extend(wordy.next().map(|name| (*name).to_owned()));
        }
    }
    let mut compounds: Vec<String> = COMPOUNDS
        .iter()
        .flat_map(|(starts, ends)| {
            starts
                .split_whitespace()
                .flat_map(move |start| ends.split_whitespace().map(move |end| join(start, end)))
        })
        .collect();
    let mut random = ChaCha8Rng::seed_from_u64(0);
    compounds.sort_by_cached_key(|_| random.random::<u64>());
    names.extend(compounds);
    unique(names.into_iter(), LAST_NAMES)
}

/// Joins the parts of a compound. A letter on both sides of the joint is written once.
fn join(start: &str, end: &str) -> String {
    let is_repeated = start.chars().last() == end.chars().next();
    let end: String = end.chars().skip(usize::from(is_repeated)).collect();
    start.to_owned() + &end
}

/// The names in their order, without repeats and without those of `others`.
fn unique(names: impl Iterator<Item = String>, others: &str) -> Vec<String> {
    let mut seen: HashSet<String> = others.split_whitespace().map(str::to_owned).collect();
    names.filter(|name| seen.insert(name.clone())).collect()
}
