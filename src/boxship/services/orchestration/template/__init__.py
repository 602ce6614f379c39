"""The language of templates: HOT and CFN, their functions, conditions, parameters and environments. Pure: reads a document and
the answers of a scope, awaits nothing and touches nothing. All that is in a template comes from a tenant and is bounded here."""
