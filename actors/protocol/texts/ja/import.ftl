# 控えの取り込みの画面。

import-title = 控えから復元
import-lead = 「madoguchi config export」で作った控えを取り込みます。証明書・鍵・一覧は、この装置にないものだけを置きます。設定は準備中の変更になり、確認してから有効にできます。利用者は取り込みません。
import-file = 控えのファイル
import-passphrase = 控えを作ったときの合言葉
import-button = 取り込む
import-sealed = 合言葉が違うか、ファイルが書き換えられています。
import-unreadable = このファイルは取り込めません。大きさは 1000 KiB までです。これより大きい控えはコンソールで取り込んでください。
import-no-files = 証明書や鍵を置けませんでした。設定は取り込んでいません。
import-left = 次のファイルは、すでに別の内容であるため、そのまま残しました。設定は準備中の変更になっています。
