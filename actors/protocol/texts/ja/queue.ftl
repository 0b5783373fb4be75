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
