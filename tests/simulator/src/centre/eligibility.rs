//! Eligibility as the centre hands it out.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One insured person's entry: the leaf elements of `ResultOfQualificationConfirmation` (DOMAIN section 4) in
/// snake_case, each as text. What is absent is null. Dates are `YYYYMMDD`.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Eligibility {
    /// 被保険者証区分
    pub insured_card_classification: Option<String>,
    /// 保険者番号, up to 8 characters.
    pub insurer_number: Option<String>,
    /// 被保険者証記号
    pub insured_card_symbol: Option<String>,
    /// 被保険者証番号
    pub insured_identification_number: Option<String>,
    /// 被保険者証枝番, 2 digits.
    pub insured_branch_number: Option<String>,
    /// 本人・家族の別: 1 insured, 2 dependant.
    pub personal_family_classification: Option<String>,
    /// 被保険者氏名（世帯主氏名）
    pub insured_name: Option<String>,
    /// 氏名
    pub name: Option<String>,
    /// 氏名（その他）
    pub name_of_other: Option<String>,
    /// 氏名カナ
    pub name_kana: Option<String>,
    /// 性別1
    pub sex1: Option<String>,
    /// 性別2
    pub sex2: Option<String>,
    /// 生年月日
    pub birthdate: Option<String>,
    /// 住所
    pub address: Option<String>,
    /// 郵便番号
    pub post_number: Option<String>,
    /// 資格取得年月日
    pub qualification_date: Option<String>,
    /// 資格喪失年月日
    pub disqualification_date: Option<String>,
    /// 被保険者証交付年月日
    pub insured_certificate_issuance_date: Option<String>,
    /// 被保険者証有効開始年月日
    pub insured_card_valid_date: Option<String>,
    /// 被保険者証有効終了年月日
    pub insured_card_expiration_date: Option<String>,
    /// 被保険者証一部負担金割合
    pub insured_partial_contribution_ratio: Option<String>,
    /// 未就学区分
    pub preschool_classification: Option<String>,
    /// 資格喪失事由
    pub reason_of_loss: Option<String>,
    /// 保険者名称
    pub insurer_name: Option<String>,
    /// 限度額適用認定証関連情報の同意: 1 agreed, 0 not.
    pub limit_application_certificate_related_cons_flg: Option<String>,
}

impl Eligibility {
    /// Sets what the patient said about 限度額.
    pub(super) fn with_limit_consent(mut self, agreed: bool) -> Self {
        self.limit_application_certificate_related_cons_flg = Some(if agreed { "1" } else { "0" }.into());
        self
    }
}
