# The frame around every page, logging in, people and their rights

lanes-title = 窓口の一覧
frame-skip = 本文へ
frame-places = ページの一覧

role-administrator = 管理者
role-operator = 受付担当
role-auditor = 監査担当
role-viewer = 閲覧のみ

login-title = ログイン
login-name = 利用者名
login-password = パスワード
login-code = 確認コード（6 桁）
login-code-hint = 認証アプリに表示されている 6 桁の数字です。
login-button = ログイン
login-wrong = 利用者名、パスワード、確認コードのいずれかが正しくありません。一度使った確認コードは使えません。次のコードが表示されるまでお待ちください。
login-nobody = この装置には、まだ管理者がいません。
login-invited = 初めてお使いになる方、再設定を受けた方は、受け取ったワンタイムコードで始めてください。
login-lost = パスワードや認証アプリを使えなくなったときは、管理者に再設定を依頼してください。
logout-button = ログアウト

first-title = ワンタイムコードで始める
first-nobody = この装置には、まだ管理者がいません。起動時に装置のコンソールに表示されたワンタイムコードを入力してください。
first-invited = 管理者から受け取ったワンタイムコードを入力してください。
first-code = ワンタイムコード
first-code-hint = 16 文字の英数字です。ハイフンと大文字・小文字は区別しません。
first-button = 次へ
first-wrong = ワンタイムコードが正しくないか、期限が切れています。
first-name-hint = ログインのときに入力する名前です。1〜40 文字。
first-not-the-same = 2 回入力したパスワードが一致しません。
first-code-wrong = 確認コードが正しくありません。認証アプリに登録してから、表示されているコードを入力してください。

account-title = 利用者情報
account-new = パスワードと認証アプリの設定
account-password = 新しいパスワード
account-password-hint = 13 文字以上。覚えやすい文を勧めます。
account-again = 新しいパスワード（確認のため、もう一度）
account-factor = 認証アプリ
account-factor-hint = 認証アプリ（TOTP）でこの QR コードを読み取り、表示された 6 桁の数字を入力してください。
account-qr = 認証アプリに登録するための QR コード
account-secret = 読み取れないときは、次の文字列を認証アプリに入力してください。
account-code-hint = 登録した認証アプリに表示されている 6 桁の数字です。
account-button = 設定する
account-sessions = ログイン中の端末
account-sessions-count = この利用者でログイン中: { $count } 件
account-end-others = ほかの端末からログアウトする
account-others-ended = ほかの端末からログアウトしました。
account-change-password = パスワードを変更する
account-current = 現在のパスワード
account-lost-factor = 認証アプリを変えるときは、管理者に再設定を依頼してください。

password-too-short = パスワードは 13 文字以上にしてください。
password-too-long = パスワードは 200 文字以下にしてください。
password-too-simple = 利用者名や同じ文字の繰り返しは、パスワードに使えません。
password-not-kept = いまはパスワードを保存できません。しばらくしてからもう一度お試しください。

people-bad-name = 名前は 1〜40 文字の文字、数字、空白にしてください。
people-name-taken = その名前は、すでに使われています。
people-unknown = その利用者またはトークンは見つかりません。ワンタイムコードは、すでに使われたかもしれません。
people-last-administrator = 最後の管理者です。先に、ほかの管理者を登録してください。
people-too-many = 登録できる数の上限です。先に、使わないものを削除してください。
people-bad-scopes = トークンには、プログラムに許される権限を 1 つ以上選んでください。

refused-title = 表示できません
refused-forbidden = この操作をする権限がありません。必要なときは、管理者に相談してください。
refused-stranger = この画面から送られたものではないため、受け付けませんでした。画面を開き直して、もう一度お試しください。
refused-too-many = 続けて失敗したため、しばらく受け付けられません。時間をおいてからお試しください。
refused-method = ここではその操作はできません。
refused-too-large = 送られた内容が大きすぎます。
refused-not-found = このページはありません。
refused-broken = いまは処理できません。受付には影響ありません。続くときは、装置の記録を確認してください。
refused-too-slow = 時間内に処理が終わりませんでした。もう一度お試しください。
refused-strange-name = この装置の名前として設定されていない名前で呼び出されました。アドレスで開くか、設定（web.names）に名前を加えてください。
refused-back = 最初のページへ

people-title = 利用者とトークン
people-done = 変更しました。
people-code = { $name } さんのワンタイムコードです。72 時間以内に「ワンタイムコードで始める」の画面で使ってもらってください。
people-token = プログラム「{ $name }」のトークンです。
people-once = 一度だけ表示します。この画面を閉じると、もう見られません。
people-you = （あなた）
people-enrolled = 利用中
people-invited = 設定待ち（ワンタイムコードをまだ使っていません）
people-disabled = 停止中
people-role = 役割
people-role-hint = 管理者: 設定と利用者の管理。受付担当: 窓口の操作。監査担当: 記録の閲覧。閲覧のみ: 窓口の状況の表示。
people-role-of = { $name } さんの役割
people-set-role = 役割を変える
people-recover = パスワード・認証アプリ・セキュリティキーを再設定する
people-recover-of = { $name } さんのパスワード・認証アプリ・セキュリティキーを再設定する
people-disable = 停止する
people-enable = 再開する
people-add = 利用者を追加する
people-tokens = プログラム用のトークン
people-tokens-hint = 院内のシステムが API を使うためのものです。人のログインには使えません。
people-token-name = 用途
people-scopes = 許可すること
people-add-token = トークンを作る
people-revoke = 取り消す

right-watch = 窓口、キュー、回線の状況を見る
right-serve = 受付を操作する
right-mend-queue = 保留中の資格確認を再開、破棄する
right-read-counts = 件数と月報を見る
right-read-audit = 監査記録を見る

logged-person-did = { $by }: { $act }
author-program = プログラム「{ $name }」
author-console = 装置のコンソール
did-log-in = ログイン
did-log-in-refused = ログインの試みを拒否
did-log-out = ログアウト
did-change-password = パスワードを変更
did-add = { $name } を追加
did-set-up = { $name } のパスワードと認証アプリを設定
did-change-role = { $name } の役割を変更
did-recover = { $name } のパスワード・認証アプリ・セキュリティキーを再設定
did-disable = { $name } を停止
did-enable = { $name } を再開
did-make-token = トークン「{ $name }」を作成
did-try = { $device }を試験
did-restart = { $part }を再起動
did-revoke-token = トークン「{ $name }」を取り消し
