## 証明書の画面: 期限、端末の証明書の更新

certificates-title = 証明書
certificates-which = 証明書
certificates-ends = 有効期限
certificates-stage = 段階
certificates-stage-fine = 残り90日を超えています
certificates-stage-days = 残り{ $days }日以内です
certificates-stage-expired = 期限切れ、または有効期間前です
line-certificate-page = この画面の証明書
certificates-page-own = この画面の証明書は装置が自ら作成したものです（または装置内のみで表示しています）。フィンガープリントで確認してください。
certificates-renewal = 端末の証明書の更新
certificates-renewal-about = 上から順に進めてください。受付はそのまま続けられます。最後の手順までは何も変わりません。秘密鍵が装置の外に出ることはありません。
certificates-request-about = 証明書発行要求を取り出し、端末の証明書の発行元に提出してください。
certificates-request = 発行要求（CSR）を取り出す
certificates-stage-about = 発行された証明書（中間証明書を含む PEM 形式）
certificates-stage-button = 取り込む
certificates-prove-about = この証明書で資格確認等システムに実際に接続して確かめます。
certificates-prove = 接続を確かめる
certificates-swap-about = もう一度接続を確かめてから入れ替えます。これまでの証明書は別名で残します。
certificates-swap = 入れ替える
certificates-staged = 取り込みました。続けて接続を確かめてください。
certificates-proven = 接続できました。入れ替えることができます。
certificates-swapped = 入れ替えました。数秒以内に使い始めます。
certificates-unsound = 使用できません。読み取れないか、発行要求とは別の鍵の証明書です。
certificates-other-terminal = 別の端末の証明書です。この端末の名前で発行を依頼してください。
certificates-not-now = 本日は有効期間外です。証明書の日付と装置の時計を確認してください。
certificates-unproven = この証明書では接続できませんでした。回線を確認し、発行元に問い合わせてください。
certificates-not-staged = 準備されたものがありません。発行要求から始めてください。
certificates-not-written = 書き込めません。ディスクの空きと、[uplink] に指定したファイルへの書き込み権限を確認してください。
certificates-no-answer = 回線の機能から応答がありません。しばらくしてからもう一度お試しください。
certificates-too-large = 証明書としては大きすぎます。

did-request-certificate = 証明書の発行要求を取り出し
did-stage-certificate = 新しい証明書を取り込み
did-prove-certificate = 新しい証明書での接続を確認
did-swap-certificate = 証明書を入れ替え
