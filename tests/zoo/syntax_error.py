# expect: syntax-error
# says: syntax_error.py, line 5
print("never printed")

def train(:
    pass
