# Security keys and passkeys: on a person's account, and at the log-in

keys-title = Security keys
keys-hint = A security key, or a passkey of this device, can stand in for the authenticator's code when you log in. The authenticator stays valid beside it.
keys-none = You have no security key here.
keys-yours = Your keys
keys-added-on = added { $day }, for { $place }
keys-remove = Remove the chosen key
keys-removed = The key was removed and lets nobody in any more. You were logged out everywhere else.
keys-gone = That key is not there any more.
keys-add-title = Add a security key
keys-name = Name of the key
keys-name-hint = So that you can tell it from others, such as “Key on my ring”. 1 to 40 characters.
keys-add = Continue to the key
keys-added = The key was added. You can log in with it from now on.
keys-taken = This key was added already.
keys-too-many = You have as many keys as there can be. Remove one that you don't use.
keys-wrong = The key's answer was not right, so it was not added. Try again.
keys-late = That took too long, or the answer was sent already. Begin again.

keys-enter = Log in with a security key
keys-enter-title = Use your security key
keys-not-entered = Name or password is wrong, or the key is not one that you added under this name of the page. Try again, or log in with the code.

keys-touch = Connect the key and touch it when the browser asks for it.
keys-waits = Waiting for the key …
keys-failed = No key answered. Try again.
keys-ask = Ask for the key again
keys-back = Back, without a key

keys-browser = This browser offers no security keys here: they need scripts, a recent browser, and a page that is reached by its name with a certificate that the browser trusts. The code always works.
keys-no-name = Security keys can't be used here: browsers offer them only where the page is opened by a name, and this address is none. Have an administrator give the box a name (web.names) with a certificate that browsers trust. The code always works.
keys-by-name = Security keys can't be used here: browsers offer them only where the page is opened by its name. Open it as { $name }. The code always works.

did-add-key = added a security key
did-remove-key = removed a security key
