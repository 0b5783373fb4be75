# Choosing and trying a lane's devices before they are saved.

devices-found = Choose from the generic readers that are attached
devices-as-written = Choose none (as written below)
devices-alike = can't be told from another of its kind; plug it into another USB socket
devices-try-about = What you typed can be tried before it is saved. At the generic reader, hold a card or phone within 12 seconds after pressing the button. Give the face-auth reader the address first: it is waited for as long.
devices-try-nfc = Try the generic reader
devices-try-face = Try whether the face-auth reader connects
devices-not-saved = What you typed is not saved yet.
devices-none-written = No generic reader is chosen for this counter, or the field is written wrongly.
devices-of-lane = This reader is in use at counter { $lane }. Choose another one.
devices-busy = Somebody else is trying a reader. Try again in a moment.
devices-face-incomplete = Fill in the address, the box's certificate, its private key and the authority before you try.
devices-face-no-address = Write the address like 192.168.10.1:28201.
devices-face-listens = This counter listens at this address already.
devices-face-of-lane = This address is counter { $lane }'s. Give each counter a port of its own.
devices-face-free = The box can listen at { $address }.
devices-face-taken = Another program uses { $address }. Choose another port.
devices-face-not-ours = { $address } is no address of this box. Look at the settings of the network at the counters.
devices-face-not-listening = The box can't listen at { $address }.
devices-face-certificate = The box's certificate: { $name } (until { $until })
devices-face-expects = The reader's certificate must bear the name { $name }.
devices-face-called = The reader connected: { $maker } { $model } (software { $software }).
devices-face-refused = Somebody connected and was not accepted as this counter's reader. Look at the reader's certificate and the name in it.
devices-face-nobody = No reader connected. Look at the address and port that the reader was given, its network cable and its power.
devices-face-connected = This counter's reader is connected.
devices-face-not-connected = This counter's reader is not connected. Look at its power, its network cable and the address that it was given.
