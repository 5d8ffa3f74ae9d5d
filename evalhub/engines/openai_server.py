def identify_openai(spec, model, name):
    raise NotImplementedError


def open_openai(opening):
    raise NotImplementedError
