# The frame around every page, logging in, people and their rights

lanes-title = Counters
frame-skip = Skip to the content
frame-places = Pages
