"""An audit of a study's blindness: can a rater with developer tools tell systems apart, the pixels aside?"""
