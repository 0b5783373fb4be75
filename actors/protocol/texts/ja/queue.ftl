# 未送信の資格確認（オフラインキュー）と、障害時の練習

screen-practice-title = 【練習】{ $title }
screen-practice-text = 練習中です。実際の受付は行われません。

fault-rehearsal-patient = ただいまこの窓口では、職員が練習をしております。恐れ入りますが、別の窓口をご利用ください。
fault-rehearsal-staff = この窓口は回線障害の練習中です。練習の受付は、資格確認にも利用件数にも含まれません。
fault-rehearsal-action = 練習が済みましたら、この窓口の画面で「練習を終了する」を選んでください。患者さんは別の窓口へご案内ください。

act-begin-rehearsal = 回線障害の練習を開始する
act-end-rehearsal = 練習を終了する
end-practised = 練習でした
logged-practice-started = 練習の受付が始まりました
logged-practice-settled = 練習の受付を消去しました
queue-practice = 練習の受付（練習の終了後に消去）

queue-set-aside-action = センターが受け付けなかったものなどがあります。下の一覧で理由をご確認のうえ、再送または書き出しを行ってください。
queue-no-answer = キューの応答がありません。「部品の状態」の画面で状態をご確認ください。
queue-accepted-at = 受付日時
queue-lane = 窓口
queue-reason = 理由
queue-look = 内容を見る
queue-retry = もう一度送る
queue-export = 書き出す（暗号化されたまま）
queue-more = ほかにもあります。すべての一覧は、装置で「madoguchi queue list」により表示できます。
queue-when-full-nothing = 上限に達したときは、新しい受付を行わず、資格確認書などでの確認をご案内します。保管済みのものは破棄しません。
queue-when-full-set-aside = 上限に達したときは、担当者の確認待ちのうち最も古いものから破棄します。
queue-when-full-oldest = 上限に達したときは、担当者の確認待ち、次に未送信のうち、最も古いものから破棄します。
queue-given-up-after = { $days }日を過ぎても送信できないものは破棄します。
queue-first-to-go = いま上限に達した場合、最初に破棄されるもの: { $at } 受付
queue-record-title = キューの記録
queue-unknown = この記録はキューにありません。
queue-id = 番号
queue-stage = 状態
queue-stage-since = この状態になった日時
queue-bytes = 暗号化された内容の大きさ（バイト）
queue-stage-accepted = センターの回答待ち
queue-stage-answered = 回答済み（結果の引き渡し待ち）
queue-stage-delivered = 引き渡し済み
queue-stage-settled = 完了（内容は消去済み）
queue-stage-set-aside = 担当者の確認待ち
queue-stage-practice = 練習
queue-reason-refused-by-centre = センターが依頼を受け付けませんでした
queue-reason-undecodable = 内容を読み取れません
queue-reason-damaged = 保管中に破損しました
queue-reason-undeliverable = 結果をレセコンに渡せません
queue-reason-given-up-too-old = 期限切れで破棄しました
queue-reason-given-up-for-room = 空きを作るため破棄しました
queue-reason-practice = 練習のため消去しました
did-retry-record = キューの記録{ $id }を再送
did-export-record = キューの記録{ $id }を書き出し
did-rotate-queue-key = キューの鍵を交換
did-drop-queue-keys = キューの古い鍵を削除
said-put-back = もう一度送ります。
said-not-set-aside = この記録は、いまは担当者の確認待ちではありません。
