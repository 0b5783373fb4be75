# The record of a lane's setup for smartphones (R-08, R-13)

phones-title = Record of the setup for smartphones (counter { $lane })
phones-about = Set the generic reader up by the procedure of the face-auth reader's maker (KB0012308), not by the generic reader's own manual.
phones-step-follow = Set the counter up by the maker's procedure.
phones-step-record = Record here which procedure in which version was followed, when and by whom. The record is a change of the configuration: look at it and have it take effect.
phones-step-restart = Restart both this box and the face-auth reader. Until then the button is not shown.
phones-step-see = Make sure that the face-auth reader shows 「スマートフォンを利用する」.
phones-no-reader = The face-auth reader is not connected. Record the setup once it is.
phones-unconfirmed = The hospital has not confirmed what the box knows of this maker. Compare it with the maker's papers.
phones-by-itself = This maker's readers take phones themselves, without a generic reader. Only the present starts of both are kept, so that their restarts are seen.
phones-record = Prepare the record
phones-incomplete = Fill in procedure, version and person, at most 100 characters each.
phones-no-day = Give a day that is not after today.
phones-recorded = Set up by { $procedure }, version { $version }, on { $on } by { $by }
