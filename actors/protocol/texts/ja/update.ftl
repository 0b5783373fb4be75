## 更新: 新しい版がうまく動かなかったときの説明

fault-update-fell-back-patient = ただいまご案内している方法で、そのままご利用いただけます。
fault-update-fell-back-staff = 新しい版への更新後に正常な動作を確認できなかったため、自動で元の版に戻りました。受付は通常どおり行えます。
fault-update-fell-back-action = 受付を続けてください。管理者は更新ファイルの提供元に連絡し、修正された版で改めて更新してください。
