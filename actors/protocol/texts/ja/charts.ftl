# 本体が記録した直近30日間のグラフ
charts-title = グラフ
charts-what = この装置が記録した直近30日間の数値です。練習は含みません。数値のない時間は、ゲートウェイが動いていませんでした。
charts-span-month = 30日間
charts-span-day = 24時間
charts-visits = 受付件数
charts-answer = 応答までの時間（100件中95件がこの時間以内）
charts-deferred = 後から確認した件数
charts-waiting = 確認待ちの最大件数
charts-line = 回線がつながっていた割合
charts-alternative = { $what }。最新：{ $newest }。最大：{ $highest }。数値はすべて下の表にあります。
charts-lanes = 窓口ごとの障害時間（30日間、分）
charts-lane-minutes = { $lane }番窓口：{ $minutes }分
charts-no-trouble = 障害のあった窓口はありません。
charts-table = 数値を表で見る
charts-when-month = 日
charts-when-day = 時刻
charts-unreadable = 記録を読み出せません。ディスクの故障が疑われます。管理者に連絡してください。窓口の業務には影響ありません。
