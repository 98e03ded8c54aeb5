"""The local REST API: routes, problem answers, and who may ask."""
