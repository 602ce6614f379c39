"""All SQL of the network service: ``tables`` states the columns, a module per resource the questions and changes.
Functions take a transaction and decide nothing."""
