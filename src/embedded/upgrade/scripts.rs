//! The queries of an upgrade, as scripts for `psql`.

use crate::embedded::layout::{APPLICATION_DATABASE, APPLICATION_ROLE, SUPERUSER, SUPERUSER_DATABASE};

/// Makes values look the same on both servers, whatever the operator's settings are.
const SAME_FORMAT: &str = "SET search_path = pg_catalog; SET timezone = 'UTC'; SET datestyle = 'ISO, YMD';
SET intervalstyle = 'iso_8601'; SET bytea_output = 'hex'; SET extra_float_digits = 1; SET statement_timeout = 0;
SET lock_timeout = 0;
";

/// Lists what would be left behind: databases, roles and tablespaces of the operator. Nobody can log in by another
/// role, since `pg_ident.conf` maps no user to it.
pub(super) fn others_data() -> String {
    format!(
        "SELECT 'the database ' || quote_ident(datname) FROM pg_database
         WHERE datname NOT IN ('{APPLICATION_DATABASE}', '{SUPERUSER_DATABASE}', 'template0', 'template1')
         UNION ALL SELECT 'the role ' || quote_ident(rolname) FROM pg_roles
         WHERE rolname NOT IN ('{APPLICATION_ROLE}', '{SUPERUSER}') AND rolname NOT LIKE 'pg\\_%'
         UNION ALL SELECT 'the tablespace ' || quote_ident(spcname) FROM pg_tablespace
         WHERE spcname NOT IN ('pg_default', 'pg_global')
         UNION ALL SELECT 'tables in the database {SUPERUSER_DATABASE}' FROM pg_class
         WHERE oid >= 16384 AND relnamespace <> 'pg_toast'::regnamespace
         GROUP BY 1 ORDER BY 1;\n"
    )
}

/// Makes commands for the settings of roles and of the database, which `pg_dump` leaves out. The value of a list is a
/// list of quoted names already.
pub(super) const ROLE_SETTINGS: &str = "SELECT 'ALTER '
    || CASE WHEN setrole = 0 AND setdatabase <> 0 THEN 'DATABASE ' || quote_ident(datname)
        ELSE 'ROLE ' || coalesce(quote_ident(rolname), 'ALL')
            || coalesce(' IN DATABASE ' || quote_ident(datname), '') END
    || ' SET ' || quote_ident(name) || ' TO '
    || CASE WHEN name IN ('search_path', 'temp_tablespaces', 'local_preload_libraries', 'session_preload_libraries')
        THEN value ELSE quote_literal(value) END || ';'
FROM pg_db_role_setting
    LEFT JOIN pg_database ON pg_database.oid = setdatabase
    LEFT JOIN pg_roles ON pg_roles.oid = setrole
    CROSS JOIN unnest(setconfig) AS setting
    CROSS JOIN LATERAL (SELECT split_part(setting, '=', 1) AS name, substr(setting, strpos(setting, '=') + 1) AS value)
        AS pair
ORDER BY 1;
";

/// Prints one line for each table with the number of its rows and a sum of their hashes, and one for each sequence,
/// relation, trigger, constraint and function. The order of rows has no influence on the sum. Generated columns are
/// left out, because a newer version may know other upper and lower cases. PostgreSQL never changes its hash functions,
/// since hash partitions depend on them. `NOT NULL` is a constraint with a name since version 18.
pub(super) fn contents() -> String {
    let of_operator = "NOT IN ('pg_catalog', 'information_schema', 'pg_toast')";
    format!(
        "{SAME_FORMAT}
SELECT format('relation %s %s.%s', relkind, nspname, relname) FROM pg_class
    JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE nspname {of_operator} AND nspname NOT LIKE 'pg\\_%' ORDER BY 1;
SELECT format('trigger %s of %s, %s', tgname, tgrelid::regclass, tgenabled) FROM pg_trigger
    WHERE NOT tgisinternal ORDER BY 1;
SELECT format('constraint %s of %s, %s', conname, conrelid::regclass, convalidated) FROM pg_constraint
    JOIN pg_namespace ON pg_namespace.oid = connamespace WHERE contype <> 'n' AND nspname {of_operator} ORDER BY 1;
SELECT format('function %s', pg_proc.oid::regprocedure) FROM pg_proc
    JOIN pg_namespace ON pg_namespace.oid = pronamespace WHERE nspname {of_operator} ORDER BY 1;
SELECT format('sequence %s.%s at %s', schemaname, sequencename, last_value) FROM pg_sequences ORDER BY 1;
SELECT format('SELECT format(''table %%s: %%s rows, hash %%s'', %L, count(*),
        coalesce(sum(hashtextextended(ROW(%s)::text, 0)), 0)) FROM %s',
    pg_class.oid::regclass, string_agg(quote_ident(attname), ', ' ORDER BY attname), pg_class.oid::regclass)
FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
    LEFT JOIN pg_attribute ON attrelid = pg_class.oid AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
WHERE relkind = 'r' AND nspname {of_operator} AND nspname NOT LIKE 'pg\\_%'
GROUP BY pg_class.oid ORDER BY 1
\\gexec
"
    )
}
