"""Is a difference there, could it have been seen, and when may one stop looking?"""
