# 窓口の機器を、保存する前に選ぶ・試す画面。

devices-found = 接続されている汎用カードリーダーから選ぶ
devices-as-written = 選ばない（下の欄のとおり）
devices-alike = 同じ機種と区別できません。別の USB ソケットに接続してください
devices-try-about = 保存する前に、入力した内容で試せます。汎用カードリーダーは、ボタンを押してから 12 秒以内にカードまたはスマートフォンをかざしてください。顔認証付きカードリーダーは、リーダー側に接続先を設定しておけば、12 秒以内に接続してくるかを確かめます。
devices-try-nfc = 汎用カードリーダーを試す
devices-try-face = 顔認証付きカードリーダーの接続を試す
devices-not-saved = 入力した内容は、まだ保存されていません。
devices-none-written = この窓口には汎用カードリーダーが選ばれていないか、欄の書き方に誤りがあります。
devices-of-lane = このリーダーは { $lane } 番窓口で使われています。別のリーダーを選んでください。
devices-busy = ほかの人がリーダーを試しています。しばらくしてから、もう一度お試しください。
devices-face-incomplete = 待ち受けアドレス、装置の証明書、秘密鍵、認証局をすべて入力してから試してください。
devices-face-no-address = 待ち受けアドレスは「192.168.10.1:28201」の形で入力してください。
devices-face-listens = この窓口は、このアドレスですでに待ち受けています。
devices-face-of-lane = このアドレスは { $lane } 番窓口で使われています。窓口ごとに別のポートにしてください。
devices-face-free = { $address } で待ち受けられます。
devices-face-taken = { $address } は、ほかのプログラムが使っています。別のポートにしてください。
devices-face-not-ours = { $address } はこの装置のアドレスではありません。窓口側のネットワークの設定を確認してください。
devices-face-not-listening = { $address } で待ち受けられません。
devices-face-certificate = 装置の証明書: { $name }（{ $until } まで）
devices-face-expects = リーダーの証明書の名称は { $name } である必要があります。
devices-face-called = リーダーから接続がありました: { $maker } { $model }（ソフトウェア { $software }）。
devices-face-refused = 接続がありましたが、この窓口のリーダーとして受け入れられませんでした。リーダーの証明書と、その名称を確認してください。
devices-face-nobody = リーダーから接続がありませんでした。リーダー側に設定した接続先のアドレスとポート、LAN ケーブル、電源を確認してください。
devices-face-connected = この窓口のリーダーは接続しています。
devices-face-not-connected = この窓口のリーダーは接続していません。リーダーの電源、LAN ケーブル、リーダー側に設定した接続先を確認してください。
