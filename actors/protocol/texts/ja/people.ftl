# The frame around every page, logging in, people and their rights

lanes-title = 窓口の一覧
frame-skip = 本文へ
frame-places = ページの一覧
