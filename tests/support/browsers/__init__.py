"""Three browsers behind one interface, ``Window``: what a person does in one, and what it then shows."""
