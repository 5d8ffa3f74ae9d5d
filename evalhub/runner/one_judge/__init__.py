"""One judge that is looked at alone: attacked, with its gold cases, asked again."""
