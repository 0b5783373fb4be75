## 回線: 障害の文言と、画面での回線の状態

fault-line-outage-patient = ただいま回線が混み合っているか、つながりにくくなっています。確認は後ほど行います。
fault-line-outage-staff = 直近5分間の通信の2割以上が失敗しています。開始と終了の時刻は記録されます。
fault-line-outage-action = 受付はそのまま続けてください。「madoguchi check line」で、最初に止まっている箇所と連絡先を確認できます。
fault-line-on-second-patient = そのままお進みください。
fault-line-on-second-staff = 主回線が使えないため、予備回線で確認しています。
fault-line-on-second-action = 受付は通常どおり続けてください。主回線の事業者へご連絡ください。復旧後は自動で主回線に戻ります。

line-way-primary = 主回線
line-way-second = 予備回線
line-stage-down = 切れています
line-stage-connecting = 接続しています
line-stage-tunnel-up = トンネルは接続済み、センターの応答がありません
line-stage-degraded = 遅延または欠落があります
line-stage-centre-reachable = つながっています
line-used = 使用中
line-outage = { $since } から障害が続いています
line-month = { $month }: 稼働率 { $share } %、障害 { $count } 件
