## 患者さんの画面: 見出し（-title）と本文（-text）

screen-idle-title = マイナ保険証の受付
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
screen-phone-authenticates-text = iPhoneでFace IDまたはTouch IDによる認証を行い、終わりましたら「次へ」に触れてください。暗証番号の入力は必要ありません。
screen-face-or-pin-title = 本人確認の方法を選んでください
screen-face-or-pin-text = 顔認証、または暗証番号（数字4桁）をお選びいただけます。暗証番号を設定していない方や、どちらも難しい方は、職員にお声がけください。
screen-insert-card-title = カードを置いてください
screen-insert-card-text = マイナンバーカードを、この機器のカード置き場に置いてください。
screen-hold-medium-iphone-title = iPhoneをかざしてください
screen-hold-medium-iphone-text = カードリーダーのマークに、iPhoneの上部を当てて、そのままお待ちください。
screen-hold-medium-android-title = スマートフォンをかざしてください
screen-hold-medium-android-text = カードリーダーのマークに、スマートフォンの背面を当てて、そのままお待ちください。
screen-hold-medium-card-title = カードをかざしてください
screen-hold-medium-card-text = マイナンバーカードをカードリーダーのマークに当てるか、この機器のカード置き場に置いてください。
screen-reading-title = 読み取っています
screen-reading-text = 画面が変わるまで、動かさずにそのままお待ちください。
screen-hold-hint-iphone-title = もう一度かざしてください
screen-hold-hint-iphone-text = iPhoneを一度離してください。上部をカードリーダーのマークにぴったりと当て、画面が変わるまで動かさないでください。準備ができましたら「もう一度」に触れてください。
screen-hold-hint-android-title = もう一度かざしてください
screen-hold-hint-android-text = スマートフォンを一度離し、厚いケースは外してください。背面の中央をカードリーダーのマークにぴったりと当て、画面が変わるまで動かさないでください。準備ができましたら「もう一度」に触れてください。
screen-hold-hint-card-title = もう一度かざしてください
screen-hold-hint-card-text = カードを一度離し、財布やケースから出してください。カードリーダーのマークにぴったりと当て、画面が変わるまで動かさないでください。準備ができましたら「もう一度」に触れてください。
screen-wrong-medium-title = かざされたものが異なります
screen-wrong-medium-text = お選びになったのは{ $chosen }ですが、{ $found }がかざされました。{ $found }を利用するか、{ $chosen }をかざし直すかをお選びください。暗証番号の回数は減っていません。
screen-last-try-title = 暗証番号の入力は、あと1回です
screen-last-try-text = もう一度間違えると、暗証番号がロックされます。入力を続けますか。
screen-reading-slot-face-title = 顔認証を行います
screen-reading-slot-face-text = カメラをまっすぐ見て、そのままお待ちください。カードは動かさないでください。
screen-reading-slot-pin-title = 暗証番号を入力してください
screen-reading-slot-pin-text = この機器の案内に沿って、数字4桁の暗証番号を入力してください。カードは動かさないでください。
screen-reading-slot-staff-title = 職員が確認しています
screen-reading-slot-staff-text = 職員がカードのお写真を確認しています。そのままお待ちください。
screen-reading-slot-iphone-title = iPhoneをかざしてください
screen-reading-slot-iphone-text = iPhoneの上部を、この機器のマークにぴったりと当て、画面が変わるまで動かさないでください。
screen-reading-slot-android-title = 暗証番号を入力し、かざしてください
screen-reading-slot-android-text = この機器の案内に沿って数字4桁の暗証番号を入力し、スマートフォンの背面を、この機器のマークにぴったりと当ててください。
screen-authenticating-title = 確認しています
screen-authenticating-text = 読み取りは終わりました。少しお待ちください。
screen-consent-title = 情報の提供に同意しますか
screen-consent-text = 過去の健診情報、お薬の情報、診療情報、手術情報と、限度額の情報を、この医療機関に提供することに同意されるか、お選びください。同意されなくても受診いただけます。
screen-consent-deferred-title = 情報の提供に同意しますか
screen-consent-deferred-text = ただいま回線がつながりにくいため、資格の確認は後ほど行います。過去の健診情報、お薬の情報、診療情報、手術情報と、限度額の情報を、この医療機関に提供することに同意されるか、お選びください。同意されなくても受診いただけます。
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
screen-fallback-text = 恐れ入りますが、窓口の職員にお声がけのうえ、次のいずれかをお見せください。
screen-taken-over-title = 職員がご案内いたします
screen-taken-over-text = そのままお待ちください。窓口の職員が承ります。
screen-interrupted-title = はじめからやり直してください
screen-out-of-service-title = ただいまご利用いただけません
screen-out-of-service-text = 恐れ入りますが、窓口の職員にお声がけください。

## 画面の前置き

notice-tries-left = 暗証番号が違います。あと{ $tries }回入力できます。
notice-use-slot = カードリーダーがご利用いただけないため、この機器のカード置き場をご利用ください。
notice-take-away-first = カードリーダーの上にあるものを一度離してから、かざしてください。
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
