"""The wire of the Image API: what is read, what is answered, and the JSON schemas that clients ask for."""
