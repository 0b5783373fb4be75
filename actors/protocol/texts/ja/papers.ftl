# はじめての設定: 証明書と秘密鍵

papers-title = 証明書と秘密鍵
papers-about = 設定に書かれた証明書と秘密鍵が、この装置にそろっているかを示します。すべてそろうと、設定を有効にできます。
papers-which = 用途
papers-file = ファイル
papers-state = 状態
papers-until = { $day } まで有効
papers-ended = { $day } に期限が切れています
papers-there = あります
papers-missing = まだありません
papers-hidden = この画面からは見えません（使う部分だけが読めます）
papers-wrong = 使えません
papers-renewal = 使用中の証明書の更新は「証明書」のページで行います。
papers-request-title = この端末のクライアント証明書を申請する
papers-line-first = 先に「医療機関とこの装置」で端末名を、「回線と資格確認等システム」で接続先を入力してください。
papers-request-about = 秘密鍵はこの装置の中で作られ、外に出ることはありません。申請書（CSR）を、回線の事業者など証明書を発行するところに渡してください。何度取り出しても、同じ秘密鍵の申請書です。
papers-put-title = 届いた証明書を置く
papers-put-about = 証明書の内容（PEM）。中間証明書があれば続けて貼り付けてください。
papers-put = 置く
papers-put-done = 置きました。
papers-not-put = 置けませんでした。
papers-not-named = 設定に、このファイルは書かれていません。
papers-is-there = この証明書はすでにあります。更新は「証明書」のページで行ってください。
papers-again = もう一度確認する
papers-keys = そのほかの秘密鍵は、画面からは受け取りません。装置のコンソールで置くか、控えから復元してください。
