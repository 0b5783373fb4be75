# The page with the support bundle.

support-title = Support
support-lead = This is what to hand to whoever helps you. It holds no names of patients or staff, no PINs, keys or passwords. Look through all of it before you save it; what is saved is what is shown.
support-save = Save this
support-gone = This is no longer kept. Open the page anew and look at it again.
did-take-bundle = saved the support bundle
