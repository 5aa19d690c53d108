"""How runs keep books: what each node was made of, what need not be made again, and where outputs lie."""
