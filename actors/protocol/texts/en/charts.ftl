# The box's own last 30 days, in charts.
charts-title = Charts
charts-what = What this box has noted itself, for 30 days. Rehearsals are not counted. Times without a figure: the gateway did not run.
charts-span-month = 30 days
charts-span-day = 24 hours
charts-visits = Visits
charts-answer = Answered within (95 of 100 visits)
charts-deferred = Confirmed later
charts-waiting = Most confirmations that waited
charts-line = The centre answered (share of the time)
charts-alternative = { $what }. Newest: { $newest }. Highest: { $highest }. All figures are in the table below.
charts-lanes = Trouble at the counters in 30 days, in minutes
charts-lane-minutes = Counter { $lane }: { $minutes } min
charts-no-trouble = No counter was in trouble.
charts-table = The same figures as a table
charts-when-month = Day
charts-when-day = Hour
charts-unreadable = The figures can't be read. Call the administrator: the disk may be damaged. Counters work all the same.
