"""People judge places of a map: pictures, questions, answers, and the page on which they are given."""
