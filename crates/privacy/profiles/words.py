"""Makes `words.txt` beside this file: words that may stay in descriptions when they are cleaned (PS3.15 E.3.5).

    python words.py

Taken from the code meanings of context groups of PS3.16 about anatomy, views, modalities, contrast and acquisition, as the package pydicom
3.0.1 (MIT) ships them, and from the lists below. A word counts only where some code meaning has it in small letters, so that no eponym does,
and only when it is no common family name.
"""

import re
from pathlib import Path

from pydicom.sr._cid_dict import cid_concepts
from pydicom.sr._concepts_dict import concepts

HERE = Path(__file__).parent
# Anatomy, laterality, orientation, views, modalities, contrast, procedures, acquisition and reconstruction.
GROUPS = [2, 4, 5, 6, 7, 9, 11, 12, 13, 19, 20, 21, 23, 26, 27, 29, 33, 62, 91, 92, 100, 101, 212, 244, 245, 247, 501, 502, 3010, 3014, 3015, 3102, 3104,
          3106, 3108, 3200, 3428, 3462, 3486, 3606, 3607, 3820, 3827, 3829, 3840, 3850, 4005, 4009, 4010, 4011, 4013, 4014, 4015, 4016, 4017, 4018,
          4028, 4029, 4030, 4031, 4040, 7151, 7600, 7601, 7602, 7603, 7604, 8134, 9263, 9264, 9273, 10002, 10004, 10013, 10014, 10033, 12020, 12021,
          12022, 12023, 12103, 12104, 12105, 12107, 12108, 12109, 12110, 12116, 12224, 12226, 12233, 12280, 12305]
NAMES = """bell berry best black blue bone bones brown bush butcher carpenter chance church close cook cross day dean early english field fields fish
fisher forest fox french friend gold golden good grant gray green greene grey guy hand hands head heel hill hollow house hunter ivory june kidney king
knight lake lamb lane law lemon little long love low major marsh mason may meadow miller monk moon moss north old page palm park parson peak pearl
pike piper pole pool pope porter post potter power price prince purple quick ray reed rich ring rivers rock root rose rush sage salmon sawyer scott
sharp shepherd short silver singer small smart smith snow south spring stern stone storm strange street strong summer summers swan sweet swift tanner
taylor temple trim turner vale wall walker walls ward waters weaver weeks wells west wheeler white wild winter wise wolf wood woods worth young diamond horn pin
male female a p""".split()
# Words of the list above without which no description says anything. A person of that name is looked for in the data set itself.
NEEDED = "bone bones cross hand hands head heel kidney long low post short small wall".split()
PROTOCOL = """abd abdomen abdominal adc ant anterior ap arterial art asl ax axial b0 bh blade body bold brain breast brustkorb calcium cardiac cc cervical
ce chest cine contrast cor coronal coronary cr ct cta ctpa cts cube dce decubitus delay delayed dess diffusion dixon dual dti dwi dx dynamic ecg
echo echocardiogram ekg epi erect erste exam expiration extremity fat fb ffe fiesta film first flair flash fov frfse fs fse full gating gd gre grappa haste head helical high hr
in inhale inspiration ir kernel km knee ktm lat lateral left liegend links ll localizer localiser lossless lossy lower lspine lumbar lung lungs lut mag mammo mammography map medio
mediolateral mid mip mlo mobile motion mpr mprage mr mra mrcp mri mrs mrv multi native nativ neck nm no non oblique obl of on one open opp opposed out outside pa pd
pediatric pelvis perf perfusion petct pet phase phases plain plane portable portal post posterior ppg pre prone propeller proj projection proton prior qc
quiet rad radial radiograph radiography raw recon rechts reconstruction reformat rest resp rf right rl rt sag sagittal sag scan scanogram scout se second segmented
series seq sequence setup shoulder si sinus skull slab slice slices soft space spair spc spectroscopy spgr spine spiral spir standard standing stehend stir stress
study supine survey sv swi t1 t1w t2 t2w t2star tfe thick thin thorax three throat tilt time tirm tissue tof tomo tomography topogram total tra trans transverse
trufi trufisp tse tumor two ultrasound unenhanced urogram urography upper upright us vein venous vibe view views vol volume vr w weighted whole wholebody window with without wo
xa xr xray zoom""".split()
# No single letter but that of tesla: `45m` and `45y` say who it is.
UNITS = "mm cm um ms sec min ml mg kg kv kvp ma mas mgy gy msv mbq t hz khz mhz bpm".split()
VERTEBRAE = [f"{region}{n}" for region, last in (("c", 7), ("t", 12), ("th", 12), ("l", 5), ("s", 5)) for n in range(1, last + 1)]
CHINESE = """胸部 胸片 胸椎 正位 侧位 后前位 前后位 斜位 双侧 左侧 右侧 左 右 双 头部 头颅 颅脑 颅骨 颈部 颈椎 腰椎 骶椎 尾椎 脊柱 全脊柱 骨盆 髋关节 膝关节 踝关节 肘关节 腕关节 肩关节
手 足 上肢 下肢 大腿 小腿 前臂 上臂 腹部 上腹部 下腹部 盆腔 肝脏 胆囊 胰腺 脾脏 肾脏 肾上腺 膀胱 前列腺 子宫 肺部 双肺 肺 心脏 冠状动脉 主动脉 肺动脉 头颈 颈动脉 乳腺 乳房 甲状腺 鼻窦 眼眶 颞骨 颌面
牙齿 平扫 增强 平扫加增强 扫描 冠状位 矢状位 轴位 横断位 动脉期 静脉期 门脉期 延迟期 平衡期 定位像 定位片 重建 三维 血管 成像 造影 摄影 数字 床旁 床边 站立位 仰卧位 俯卧位 卧位 立位 薄层 高分辨
骨窗 肺窗 软组织窗 纵隔窗 检查 超声 磁共振 弥散 灌注 波谱 加权 抑脂 序列 最大密度投影 多平面 钼靶 内外斜位 头尾位 片""".split()


def meanings():
    for schemes in concepts.values():
        for entries in schemes.values():
            for meaning, groups in entries.values():
                yield meaning, groups


def words(text):
    return re.findall(r"[A-Za-z]+", text)


def main():
    lower = {word for meaning, _ in meanings() for word in words(meaning) if word.islower()}
    assert all(group in cid_concepts for group in GROUPS), [g for g in GROUPS if g not in cid_concepts]
    taken = {word.lower() for meaning, groups in meanings() if set(groups) & set(GROUPS) for word in words(meaning)}
    # The standard's own scheme writes names of concepts in capitals.
    own = {word.lower() for entries in concepts["DCM"].values() for meaning, _ in entries.values() for word in words(meaning)}
    said = {word for word in lower | own if len(word) > 1 and word not in NAMES}
    plain = {word for word in taken & lower if len(word) > 2 and word not in NAMES} | (set(PROTOCOL) - {"year"}) | set(NEEDED) | set(VERTEBRAE)
    lines = ["# Words that may stay in descriptions. Made by words.py from code meanings of PS3.16 (pydicom 3.0.1, MIT) and its own lists.", "# W words, U units, H Chinese terms; M more words that may stay in the meaning of a code."]
    lines += [f"{kind} {' '.join(sorted(set(of)))}" for kind, of in (("W", plain), ("U", UNITS), ("H", CHINESE), ("M", said - plain))]
    (HERE / "words.txt").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
