//! Error texts in Spanish, for the lookup's API.
//!
//! Texts that the lookup's vendor documents are copied letter by letter. They have no accents, so the other texts have
//! none either.

use super::api_error::{ApiError, BodyFault, ParameterFault};
use crate::http::request::limits::{TARGET_MAX, VALUE_MAX};

impl ApiError {
    /// A Spanish sentence.
    pub(super) fn spanish(&self) -> String {
        match self {
            ApiError::NotFound => "No hay nada en esta ruta. Revise la direccion".to_owned(),
            ApiError::MethodNotAllowed { allow } => format!("Esta ruta solo acepta {allow}"),
            ApiError::KeyMissing => "Este endpoint requiere autenticacion con API Key (header X-API-Key)".to_owned(),
            ApiError::KeyUnknown => "API Key invalida".to_owned(),
            ApiError::KeyEnded => "API Key expirada".to_owned(),
            ApiError::ScopeMissing { .. } => "API Key no tiene acceso a este recurso".to_owned(),
            ApiError::TooMany { seconds } => {
                format!("API Key supero su limite de solicitudes. Reintente en {seconds} s")
            }
            ApiError::SignatureWrong => "La firma del cuerpo falta o no corresponde".to_owned(),
            ApiError::HandshakeRefused => "La verificacion no corresponde".to_owned(),
            ApiError::Parameter { name, fault } => match fault {
                ParameterFault::Missing => format!("El parametro '{name}' es requerido"),
                ParameterFault::Escape => {
                    format!("El parametro '{name}' tiene un '%' sin dos digitos hexadecimales. Escriba '%' como %25")
                }
                ParameterFault::Encoding => format!("El parametro '{name}' no es UTF-8"),
                ParameterFault::Nul => format!("El parametro '{name}' tiene un caracter NUL"),
                ParameterFault::TooLong => format!("El parametro '{name}' supera los {VALUE_MAX} bytes"),
                ParameterFault::Repeated => format!("El parametro '{name}' esta repetido. Envielo una sola vez"),
                ParameterFault::NotBetween(min, max) => {
                    format!("El parametro '{name}' debe ser un numero entero de {min} a {max}")
                }
                ParameterFault::TooManyWords(max) => format!("El parametro '{name}' supera las {max} palabras"),
                ParameterFault::NotRegion => format!("El parametro '{name}' debe ser un codigo ISO 3166 como AR"),
                ParameterFault::NotProbability => {
                    format!("El parametro '{name}' debe ser un numero mayor que 0 y hasta 1")
                }
                ParameterFault::Cursor => format!("El parametro '{name}' no es valido"),
            },
            ApiError::OriginRefused => "Las paginas de este origen no tienen acceso".to_owned(),
            ApiError::OriginMethodRefused { allowed } => {
                format!("El metodo de Access-Control-Request-Method no se acepta. Metodos aceptados: {allowed}")
            }
            ApiError::OriginHeaderRefused { allowed } => {
                format!("Un header de Access-Control-Request-Headers no se acepta. Headers aceptados: {allowed}")
            }
            ApiError::NothingToSearch => "Indique al menos un parametro".to_owned(),
            ApiError::NoContact => "No existe ese contacto".to_owned(),
            ApiError::IdentityTaken => "Otro contacto del canal ya tiene ese telefono o email".to_owned(),
            ApiError::Body(fault) => match fault {
                BodyFault::Broken => "El cuerpo llego incompleto".to_owned(),
                BodyFault::NotJson { line, column } => {
                    format!("El cuerpo no es JSON en la linea {line}, columna {column}")
                }
                BodyFault::NotObject => "El cuerpo debe ser un objeto".to_owned(),
                BodyFault::Member { name, .. } => format!("El campo '{name}' no tiene el tipo esperado"),
                BodyFault::Missing { name } => format!("El campo '{name}' es requerido"),
                BodyFault::Nul { name } => format!("El campo '{name}' tiene un caracter NUL"),
                BodyFault::TooLong { name, max } => format!("El campo '{name}' supera los {max} caracteres"),
                BodyFault::Future { name } => format!("El campo '{name}' es una fecha futura"),
                BodyFault::TooMany { name, max } => format!("El campo '{name}' supera los {max} elementos"),
                BodyFault::Item { name, index, max } => {
                    format!("El campo '{name}[{index}]' debe ser un texto de 1 a {max} bytes, no vacio y sin NUL")
                }
                BodyFault::TooEarly { name } => format!("El campo '{name}' es anterior al 0001-01-01"),
                BodyFault::NoIdentity { names } => format!("Falta indicar el contacto: {names}"),
                BodyFault::IdentifiesNobody { name } => format!("El campo '{name}' no identifica a nadie"),
                BodyFault::WorsePhone { name } => {
                    format!("El campo '{name}' no es un numero valido, y el contacto tiene uno mejor")
                }
                BodyFault::NoChange { names } => format!("Falta indicar que cambiar: {}", names.join(", ")),
                BodyFault::IdentityLost => "El contacto quedaria sin telefono ni email".to_owned(),
            },
            ApiError::File { fault } => format!("No se puede leer el archivo: {fault}"),
            ApiError::BodyTooLarge { max } => format!("El cuerpo supera los {} MiB", max >> 20),
            ApiError::TargetTooLong => format!("La direccion supera los {TARGET_MAX} bytes"),
            ApiError::Busy => "El servidor no tiene capacidad. Reintente en un segundo".to_owned(),
            ApiError::NoDatabase(_) => "El servidor no alcanza su base de datos. Reintente en un segundo".to_owned(),
            ApiError::ReadOnly(_) => "La base de datos no acepta cambios por ahora. Reintente en un segundo".to_owned(),
            ApiError::SchemaUnfit(_) => "El servidor no corresponde al esquema de su base de datos".to_owned(),
            ApiError::TooLate | ApiError::CheckTooLate => "La respuesta demoro demasiado. Reintente".to_owned(),
            ApiError::Internal(_) => "Algo salio mal".to_owned(),
        }
    }
}
