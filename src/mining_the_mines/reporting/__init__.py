"""Tables, figures, pictures, the report and the interactive map."""
