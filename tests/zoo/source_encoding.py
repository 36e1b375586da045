# expect: encoding
# says: source_encoding.py is not saved as UTF-8
print('ÄãºÃ')
