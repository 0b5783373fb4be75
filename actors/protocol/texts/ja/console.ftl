## 本体コンソール: ログインの代わりに表示するメニュー

console-title = 窓口ゲートウェイ 版 {$version}
console-menu = 1 状態   2 ネットワーク   3 管理画面のワンタイムコード   4 再起動   5 初期化
console-ask = 番号を入力してEnterキーを押してください:
console-unknown = その番号のメニューはありません。
console-no-configuration = まだ設定されていません。
console-page-silent = 管理画面が応答しません。
console-actor = {$actor}: {$condition}
console-fault = {$actor}: {$fault}
console-no-code = コードはまだありません。ゲートウェイが起動していません。
console-code = コード: {$code}
console-sure = 実行するには {$word} と入力してEnterキーを押してください。それ以外は何も変更しません:
console-unchanged = 何も変更していません。
console-restarting = 本体を再起動します。
console-reset-warning = 最初にすべての鍵を消去し、続いて設定、送信待ち、監査ログを消去します。送信待ちの確認結果は失われ、元に戻せません。
console-failed = 失敗しました: {$why}
