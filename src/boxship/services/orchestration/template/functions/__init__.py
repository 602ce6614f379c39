"""The functions of templates, a module per field; ``versions`` says which version of the language has which."""
