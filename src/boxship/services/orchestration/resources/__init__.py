"""The types of resources, a module per family; ``interface`` says what a type is and ``registry`` lists them all."""
