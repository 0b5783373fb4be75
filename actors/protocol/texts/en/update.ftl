## Updates: when a new version did not run well

fault-update-fell-back-patient = Please go on as shown on this screen.
fault-update-fell-back-staff = After an update the box did not find itself well, so it went back to the version before by itself. The counters work as usual.
fault-update-fell-back-action = Go on serving patients. The administrator asks whoever supplied the update, and installs a corrected version.
