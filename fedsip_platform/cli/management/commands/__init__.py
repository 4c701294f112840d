"""One file for each word: fedsip WORD VERB ..."""
