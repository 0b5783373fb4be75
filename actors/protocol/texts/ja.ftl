# 画面・ページ・障害の文言（日本語）。en.ftl と同じ鍵を持つ。受付の画面では、患者さんへの丁寧語で書く。

language-name = 日本語

## 障害: 患者さんへの案内（-patient）、職員への説明（-staff）、職員の対応（-action）

fault-wrong-medium-patient = お選びになったものと、かざされたものが異なります。
fault-wrong-medium-staff = 患者さんが画面で選んだものと異なる媒体がかざされました。暗証番号は使われていません。
fault-wrong-medium-action = 画面の案内に沿って、かざしたものに切り替えるか、選んだものをかざし直すようご案内ください。
fault-old-resident-card-patient = 住民基本台帳カードはご利用いただけません。マイナンバーカードなどをお持ちでしたらご利用ください。
fault-old-resident-card-staff = 住民基本台帳カード（住基カード）が使われました。マイナ保険証としては利用できません。
fault-old-resident-card-action = マイナンバーカードまたは資格確認書をお持ちか、患者さんにお尋ねください。
fault-not-jpki-patient = マイナ保険証として読み取れないカードまたはスマートフォンです。
fault-not-jpki-staff = 利用者証明用電子証明書のない媒体がかざされました（交通系ICカード、証明書を搭載していないスマートフォンなど）。
fault-not-jpki-action = マイナンバーカード、または電子証明書を搭載したスマートフォンかどうかをご確認ください。
fault-wrong-pin-patient = 暗証番号が違います。
fault-wrong-pin-staff = 暗証番号が誤っていました。ゲートウェイが自動でやり直すことはありません。
fault-wrong-pin-action = 利用者証明用電子証明書の4桁の暗証番号かどうか、患者さんにご確認いただいてください。番号は聞き取らないでください。
fault-last-pin-try-patient = 暗証番号を入力できるのは、あと1回です。もう一度間違えるとロックされます。
fault-last-pin-try-staff = 暗証番号の残り回数が1回です。患者さんの同意なしに送ることはありません。
fault-last-pin-try-action = 番号に自信がないときは、顔認証、目視確認または資格確認書をご案内ください。
fault-pin-locked-patient = 暗証番号がロックされています。この方法ではご利用いただけません。
fault-pin-locked-staff = 暗証番号がロックされています。窓口では解除できません。
fault-pin-locked-action = カードは顔認証または目視確認、その他は資格確認書をご案内ください。解除は市区町村の窓口、スマートフォンはマイナポータルアプリで行えます。
fault-pin-not-held-patient = 恐れ入りますが、暗証番号をもう一度入力してください。
fault-pin-not-held-staff = 入力された暗証番号は、時間が過ぎたため消去されました（最長60秒）。
fault-pin-not-held-action = 暗証番号の入力後は、すぐにかざすようご案内ください。
fault-holder-not-authorised-patient = スマートフォンで本人認証（Face IDまたはTouch ID）を済ませてから、かざしてください。
fault-holder-not-authorised-staff = iPhone側の本人認証（Face IDまたはTouch ID）が済んでいません。
fault-holder-not-authorised-action = サイドボタンまたはホームボタンで認証してからかざすよう、ご案内ください。暗証番号は不要です。
fault-face-mismatch-patient = お顔を確認できませんでした。もう一度お試しになるか、暗証番号をご利用ください。
fault-face-mismatch-staff = 顔認証で本人と確認できませんでした。
fault-face-mismatch-action = マスクや帽子を外してもう一度、または暗証番号か目視確認をご案内ください。
fault-read-torn-patient = 読み取りの途中で離れてしまいました。
fault-read-torn-staff = 読み取りが終わる前に媒体が離れました。
fault-read-torn-action = 画面の表示が変わるまで動かさずに置いていただくよう、ご案内ください。
fault-medium-stuck-patient = 読み取りに時間がかかっています。一度離してから、もう一度お試しください。
fault-medium-stuck-staff = 媒体が応答しません。
fault-medium-stuck-action = 一度離していただき、金属や厚いケースを避けてかざし直すようご案内ください。
fault-no-medium-patient = 読み取りを確認できませんでした。
fault-no-medium-staff = 時間内に媒体がかざされませんでした。
fault-no-medium-action = かざす場所（ステッカーの位置）をご案内ください。
fault-unreadable-patient = 正しく読み取れませんでした。
fault-unreadable-staff = 媒体から想定外の応答がありました。
fault-unreadable-action = もう一度お試しのうえ、続くときは別の方法をご案内ください。別の患者さんでも続く場合はコールセンターへご連絡ください。
fault-not-registered-patient = 健康保険証としての利用登録が確認できませんでした。
fault-not-registered-staff = マイナ保険証の利用登録がありません。機器の故障ではありません。
fault-not-registered-action = 資格確認書をお持ちかご確認ください。利用登録はマイナポータルなどで行えることをお伝えください。
fault-certificate-expired-patient = 電子証明書の有効期限が切れています。
fault-certificate-expired-staff = 電子証明書の有効期限が切れています。スマートフォンの場合、マイナポータルにもログインできません。
fault-certificate-expired-action = マイナンバーカードまたは資格確認書をご案内ください。期限切れのスマートフォンには、マイナポータルの画面による確認をご案内しないでください。
fault-certificate-revoked-patient = この電子証明書はご利用いただけません。
fault-certificate-revoked-staff = 電子証明書が失効しています。
fault-certificate-revoked-action = 資格確認書などをご案内ください。再発行は市区町村の窓口で行えることをお伝えください。
fault-centre-refused-patient = 資格を確認できませんでした。
fault-centre-refused-staff = オンライン資格確認等システムが確認に応じませんでした。
fault-centre-refused-action = 資格確認書などをご案内ください。同じことが続く場合はコールセンターへご連絡ください。
fault-not-eligible-patient = 保険資格について、窓口の職員にお声がけください。
fault-not-eligible-staff = オンラインで確認できましたが、資格が有効ではありません。
fault-not-eligible-action = 転職や引っ越しなどで保険が変わっていないか、患者さんにお尋ねください。新しい資格確認書があれば確認してください。
fault-interrupted-patient = 受付が途中で終了しました。お手数ですが、職員にお声がけください。
fault-interrupted-staff = ゲートウェイまたはその一部が停止したため、受付が中断しました。
fault-interrupted-action = 患者さんに声をかけ、機器が使えるようになってから初めからやり直してください。
fault-nfc-reader-lost-patient = ただいま、スマートフォンの読み取りはご利用いただけません。
fault-nfc-reader-lost-staff = この窓口の汎用カードリーダーが接続されていません。「スマートフォンを利用する」は表示されません。
fault-nfc-reader-lost-action = USBケーブルがゲートウェイ側に差さっているか確認し、差し直してください。長く使えないときはコールセンターへご連絡ください。
fault-pcsc-down-patient = ただいま、スマートフォンの読み取りはご利用いただけません。
fault-pcsc-down-staff = カードリーダーのサービス（PC/SC）が停止しています。
fault-pcsc-down-action = 自動で復旧します。1分以上続くときは管理者に連絡してください。
fault-pcsc-hung-patient = ただいま、スマートフォンの読み取りはご利用いただけません。
fault-pcsc-hung-staff = カードリーダーのサービス（PC/SC）が応答していません。
fault-pcsc-hung-action = 管理者がpcscdを再起動してください。顔認証付きカードリーダーのカード差込口は引き続き使えます。
fault-face-reader-lost-patient = ただいま、この機器はご利用いただけません。職員にお声がけください。
fault-face-reader-lost-staff = 顔認証付きカードリーダーとの接続が切れています。
fault-face-reader-lost-action = リーダーの電源とLANケーブルを確認し、再起動してください。その間は別の窓口をご利用ください。
fault-actor-gave-up-patient = ただいま、この機器はご利用いただけません。職員にお声がけください。
fault-actor-gave-up-staff = ゲートウェイの一部が繰り返し停止しています。間隔をあけて再開を試みています。
fault-actor-gave-up-action = 管理ページで対象を確認し、管理者に連絡してください。
fault-line-down-patient = ただいま回線が混み合っているか、つながりにくくなっています。確認は後ほど行います。
fault-line-down-staff = オンライン資格確認等システムにつながりません。読み取った内容は保管され、回線の復旧後に確認されます。
fault-line-down-action = 受付はそのまま続けてください。長引くときは、回線機器を確認のうえコールセンターへご連絡ください。
fault-queue-full-patient = ただいま、この方法では受付できません。職員にお声がけください。
fault-queue-full-staff = 未確認の受付を保管する領域がいっぱいです。新しい受付は保管できません。
fault-queue-full-action = 資格確認書などで受け付けてください。回線が復旧すると空きができます。管理者に連絡してください。
fault-queue-failed-patient = ただいま、この方法では受付できません。職員にお声がけください。
fault-queue-failed-staff = 受付を保管する領域に書き込めません。
fault-queue-failed-action = 資格確認書などで受け付け、すぐに管理者へ連絡してください。
fault-confirmation-set-aside-patient = 資格の確認について、後ほど職員からご連絡することがあります。
fault-confirmation-set-aside-staff = 確認できない受付が1件以上あり、別に保管されています。
fault-confirmation-set-aside-action = 管理ページで内容を確認し、患者さんの資格を別の方法で確認してください。
fault-receipt-folder-unavailable-patient = 受付は完了しています。会計まで少しお時間をいただくことがあります。
fault-receipt-folder-unavailable-staff = レセコンの共有フォルダに書き込めません。結果は保管され、書き込めるようになり次第渡されます。
fault-receipt-folder-unavailable-action = レセコンと共有フォルダ（FACE、RES）の状態と空き容量を確認してください。
fault-characters-lost-patient = お名前などの表示について、職員が確認することがあります。
fault-characters-lost-staff = レセコン用の文字コードにない文字を「●」に置き換えました。元の文字はゲートウェイに残っています。
fault-characters-lost-action = 「●」のある項目を確認し、レセコンで正しい表記に直してください。
fault-audit-log-failed-patient = 受付は通常どおりご利用いただけます。
fault-audit-log-failed-staff = 記録（監査ログ）に書き込めないか、記録のつながりが壊れています。
fault-audit-log-failed-action = 管理者に連絡してください。記録は消さずに残してください。
fault-broker-lost-patient = ただいま、この機器はご利用いただけません。しばらくお待ちください。
fault-broker-lost-staff = ゲートウェイ内部の通信が止まっています。自動で復旧を試みています。
fault-broker-lost-action = 1分以上続くときは、管理者に連絡してください。


# The gateway's page
page-title = 窓口ゲートウェイ
page-lane = 窓口 { $lane }
page-idle = 待機中
page-visit = 受付中: { $step }（{ $since } から）
page-pin-job = 暗証番号の受付番号 { $job }
page-phones-yes = スマートフォン: 使えます
page-phones-no = スマートフォン: 使えません
page-faults = 対応が必要なこと
page-no-faults = 問題はありません
page-what-to-do = 対応
page-since = { $since } から
page-line-up = 回線: 通じています
page-line-down = 回線: 切れています
page-queue = 未送信の資格確認: { $waiting } 件
page-actors = 部品の状態
page-actor-running = 動作中
page-actor-restarting = 再起動中
page-actor-gave-up = 停止（再試行は間隔を空けて）
page-reader-unknown = 顔認証付きカードリーダー: 未接続
page-reader = 顔認証付きカードリーダー: { $maker } { $model }（{ $software }）
page-nfc-ready = 汎用カードリーダー: 使えます
page-nfc-not-ready = 汎用カードリーダー: 使えません
page-waiting-for-state = 状態を待っています
page-call-centre = オンライン資格確認等コールセンター { $number }（月〜金 8:00〜18:00、土 8:00〜16:00、祝日休み）
page-call-centre-open = ただいま受付時間内です
page-call-centre-closed = ただいま受付時間外です
page-holidays-end = 祝日の一覧は { $until } までです。内閣府の新しい一覧（syukujitsu.csv）に差し替えてください。
page-phones-missing = スマートフォンの受付に足りないこと: { $count } 件
page-first-phone = スマートフォンによる資格確認の初回: { $day }（この後、厚生労働省の一覧に掲載されます。申請は不要です）
page-no-first-phone = スマートフォンによる資格確認は、まだ行われていません。
page-leave-list = スマートフォンの受付が { $since } から止まっています。再開の見込みがないときは、コールセンター（{ $number }）に電話し、厚生労働省の一覧から外すよう申し出てください。
status-title = スマートフォンの保険証利用
status-yes = 本日、スマートフォンをご利用いただけます。
status-no = ただいま、スマートフォンはご利用いただけません。
status-not-here = 当院では、スマートフォンはご利用いただけません。
status-card = マイナンバーカードでも受付できます。
status-as-of = { $now } 現在
page-other-language = English
step-idle = 待機
step-choose-medium = 方法の選択
step-choose-phone = スマートフォンの種類の選択
step-enter-pin = 暗証番号の入力
step-phone-authenticates = スマートフォンでの認証
step-face-or-pin = 顔認証か暗証番号の選択
step-hold-medium = かざすのを待っています
step-hold-hint = かざし方の案内
step-last-try = 最後の 1 回の確認
step-reading-slot = カードの読み取り
step-authenticating = 本人確認
step-consent = 同意の確認
step-confirming = 資格の確認
step-done = 完了
step-deferred = 受付済み（確認は後ほど）
step-fallback = 別の方法の案内
## 患者さんの画面: 見出し（-title）と本文（-text）

screen-idle-title = いらっしゃいませ
screen-idle-text = ご利用になるものを選んで、画面に触れてください。
screen-choose-medium-title = 受付方法を選んでください
screen-choose-medium-text = ご利用になるものを選んで、画面に触れてください。
screen-choose-phone-title = スマートフォンの種類を選んでください
screen-choose-phone-text = お持ちのスマートフォンの種類に触れてください。
screen-enter-pin-android-title = 暗証番号を入力してください
screen-enter-pin-android-text =
    スマートフォン用の利用者証明用電子証明書の暗証番号（数字4桁）を入力してください。
    受付番号 { $job }
screen-enter-pin-card-title = 暗証番号を入力してください
screen-enter-pin-card-text =
    マイナンバーカードの利用者証明用電子証明書の暗証番号（数字4桁）を入力してください。
    受付番号 { $job }
screen-phone-authenticates-title = スマートフォンで本人認証をしてください
screen-phone-authenticates-text = iPhoneでFace IDまたはTouch IDによる認証を行い、済みましたら「次へ」に触れてください。暗証番号の入力は必要ありません。
screen-face-or-pin-title = 本人確認の方法を選んでください
screen-face-or-pin-text = 顔認証、または暗証番号（数字4桁）をお選びいただけます。暗証番号を設定していない方や、どちらも難しい方は、職員にお声がけください。
screen-insert-card-title = カードを置いてください
screen-insert-card-text = マイナンバーカードを、この機器のカード置き場に置いてください。
screen-hold-medium-iphone-title = iPhoneをかざしてください
screen-hold-medium-iphone-text = カードリーダーの印に、iPhoneの上の端を当てて、そのままお待ちください。
screen-hold-medium-android-title = スマートフォンをかざしてください
screen-hold-medium-android-text = カードリーダーの印に、スマートフォンの背面を当てて、そのままお待ちください。
screen-hold-medium-card-title = カードをかざしてください
screen-hold-medium-card-text = マイナンバーカードをカードリーダーの印に当てるか、この機器のカード置き場に置いてください。
screen-reading-title = 読み取っています
screen-reading-text = 画面が変わるまで、動かさずにそのままお待ちください。
screen-hold-hint-iphone-title = もう一度かざしてください
screen-hold-hint-iphone-text = iPhoneを一度離してください。上の端をカードリーダーの印にぴったりと当て、画面が変わるまで動かさないでください。準備ができましたら「もう一度」に触れてください。
screen-hold-hint-android-title = もう一度かざしてください
screen-hold-hint-android-text = スマートフォンを一度離し、厚いケースは外してください。背面の中央をカードリーダーの印にぴったりと当て、画面が変わるまで動かさないでください。準備ができましたら「もう一度」に触れてください。
screen-hold-hint-card-title = もう一度かざしてください
screen-hold-hint-card-text = カードを一度離し、財布やケースから出してください。カードリーダーの印にぴったりと当て、画面が変わるまで動かさないでください。準備ができましたら「もう一度」に触れてください。
screen-wrong-medium-title = かざされたものが異なります
screen-wrong-medium-text = お選びになったのは{ $chosen }ですが、{ $found }がかざされました。{ $found }を利用するか、{ $chosen }をかざし直すかをお選びください。暗証番号の回数は減っていません。
screen-last-try-title = 暗証番号の入力は、あと1回です
screen-last-try-text = もう一度間違えると、暗証番号がロックされます。続けますか。
screen-reading-slot-face-title = 顔認証を行います
screen-reading-slot-face-text = カメラをまっすぐ見て、そのままお待ちください。カードは動かさないでください。
screen-reading-slot-pin-title = 暗証番号を入力してください
screen-reading-slot-pin-text = この機器の案内に沿って、数字4桁の暗証番号を入力してください。カードは動かさないでください。
screen-reading-slot-staff-title = 職員が確認しています
screen-reading-slot-staff-text = 職員がカードのお写真を確認しています。そのままお待ちください。
screen-reading-slot-iphone-title = iPhoneをかざしてください
screen-reading-slot-iphone-text = iPhoneの上の端を、この機器の印にぴったりと当て、画面が変わるまで動かさないでください。
screen-reading-slot-android-title = 暗証番号を入力し、かざしてください
screen-reading-slot-android-text = この機器の案内に沿って数字4桁の暗証番号を入力し、スマートフォンの背面を、この機器の印にぴったりと当ててください。
screen-authenticating-title = 確認しています
screen-authenticating-text = 読み取りは終わりました。少しお待ちください。
screen-consent-title = 情報の提供に同意しますか
screen-consent-text = 過去の健診情報、お薬の情報、診療情報、手術情報と、限度額の情報を、この医療機関に提供することについてお選びください。同意しなくても受診できます。
screen-consent-deferred-title = 情報の提供に同意しますか
screen-consent-deferred-text = ただいま回線がつながりにくいため、資格の確認は後ほど行います。過去の健診情報、お薬の情報、診療情報、手術情報と、限度額の情報を、この医療機関に提供することについてお選びください。同意しなくても受診できます。
screen-consent-item-title = { $item }
screen-consent-item-text = { $item }を、この医療機関に提供することに同意しますか。
screen-confirming-title = 受付しています
screen-confirming-text = そのまま少しお待ちください。
screen-done-title = 受付が完了しました
screen-done-text = 保険資格を確認しました。お掛けになってお待ちください。
screen-done-not-valid-title = 窓口にお声がけください
screen-done-not-valid-text = 確認は終わりましたが、保険資格について職員がお伺いします。恐れ入りますが、窓口の職員にお声がけください。
screen-deferred-title = 受付しました
screen-deferred-text = 保険資格の確認は、回線がつながり次第、こちらで行います。お掛けになってお待ちください。
screen-fallback-title = 別の方法で受付いたします
screen-fallback-text = 恐れ入りますが、窓口の職員にお声がけのうえ、次のいずれかをお願いいたします。
screen-taken-over-title = 職員がご案内いたします
screen-taken-over-text = そのままお待ちください。窓口の職員が承ります。
screen-interrupted-title = はじめからやり直してください
screen-out-of-service-title = ただいまご利用いただけません
screen-out-of-service-text = 恐れ入りますが、窓口の職員にお声がけください。

## 画面の前置き

notice-tries-left = 暗証番号が違います。あと{ $tries }回入力できます。
notice-use-slot = カードリーダーがご利用いただけないため、この機器のカード置き場をご利用ください。
notice-take-card = カードをお取りください。

## 別の方法（R-24、R-25 の順）

fallback-my-number-card = ・マイナンバーカード
fallback-eligibility-certificate = ・資格確認書
fallback-portal-screen = ・マイナポータルの資格情報の画面（職員が拝見します）
fallback-self-declaration = いずれもお持ちでない場合は、職員が書類（被保険者資格申立書）をご案内いたします。

## 媒体と同意の項目

medium-my-number-card = マイナンバーカード
medium-android = Androidスマートフォン
medium-iphone = iPhone
consent-specific-health-checkups = 過去の健診情報
consent-pharmacists = お薬の情報
consent-diagnosis = 診療情報
consent-operation = 手術情報
consent-limit-application = 限度額情報

## ボタン

choice-use-phone = スマートフォンを利用する
choice-use-card = マイナンバーカードを利用する
choice-iphone = iPhone
choice-android = Android
choice-face = 顔認証
choice-pin = 暗証番号
choice-continue = 次へ
choice-retry = もう一度
choice-switch = かざしたものを利用する
choice-yes = はい
choice-no = いいえ
choice-agree-all = すべて同意する
choice-agree-none = すべて同意しない
choice-agree-each = 個別に選ぶ
choice-back = 戻る
choice-cancel = 中止する
choice-finish = 終了する

## 窓口の準備（ボタンが表示される条件）: 内容（-what）と、満たすための対応（-action）

readiness-date-what = 2025年9月19日以降であること
readiness-date-action = スマートフォンの受付は2025年9月19日からです。日付が違うときは、機器の時計を確認してください。
readiness-setting-what = 「スマホによる本人確認の利用有無」が「利用する」であること
readiness-setting-action = 施設と窓口の設定を「利用する」にしてください。利用しない場合はこのままで差し支えありません。
readiness-reader-what = 顔認証付きカードリーダーが接続されていること
readiness-reader-action = 顔認証付きカードリーダーの電源とLANケーブルを確認してください。
readiness-pair-what = 顔認証付きカードリーダーに対応した汎用カードリーダーであること
readiness-pair-action = 顔認証付きカードリーダーの機種に対応した汎用カードリーダーか確認し、対応表に登録してください。
readiness-software-what = 顔認証付きカードリーダーのソフトウェアが最新であること
readiness-software-action = 顔認証付きカードリーダーのソフトウェアを、メーカーの手順で最新版に更新してください。
readiness-attached-what = 汎用カードリーダーがゲートウェイに接続されていること
readiness-attached-action = 汎用カードリーダーのUSBケーブルを、顔認証付きカードリーダーではなく、ゲートウェイに差してください。遠いときはUSB延長ケーブルをお使いください。
readiness-procedure-what = 顔認証付きカードリーダーのメーカーの手順による設定が記録されていること
readiness-procedure-action = 顔認証付きカードリーダーのメーカーの手順（KB0012308）で設定し、手順の版、実施日、実施者を記録してください。
readiness-box-restarted-what = 設定後にゲートウェイが再起動されていること
readiness-box-restarted-action = ゲートウェイを再起動してください（2025年9月19日以降に一度必要です）。
readiness-reader-restarted-what = 設定後に顔認証付きカードリーダーが再起動されていること
readiness-reader-restarted-action = 顔認証付きカードリーダーを再起動してください（2025年9月19日以降に一度必要です）。
