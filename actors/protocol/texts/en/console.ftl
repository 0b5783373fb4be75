## The console of the box: a menu instead of a login

console-title = Madoguchi Gateway, version {$version}
console-menu = 1 state   2 network   3 one-time code for the page   4 start the box anew   5 factory reset
console-ask = Type a number and press Enter:
console-unknown = There is no such choice.
console-no-configuration = There is no configuration yet.
console-page-silent = The page does not answer.
console-actor = {$actor}: {$condition}
console-fault = {$actor}: {$fault}
console-no-code = There is no code: the gateway has not been started yet.
console-code = The code: {$code}
console-sure = Type {$word} and press Enter; anything else changes nothing:
console-unchanged = Nothing was changed.
console-restarting = The box starts anew.
console-reset-warning = All keys are wiped first, then everything that lasts: configuration, queue, audit log. What still waits in the queue is lost for good.
console-failed = It failed: {$why}
