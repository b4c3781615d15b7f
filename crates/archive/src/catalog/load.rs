//! Building memory from opened rows, at start and after a failed commit.

use super::{Catalog, Instance, PAGE, PageRecord, PatientKey, Place, Series, Study, StudyRecord};

impl Catalog {
    /// Takes in a study's row.
    pub fn load_study(&mut self, record: StudyRecord, version: u64) {
        let key = PatientKey::of(&record.patient_attributes, &record.uid);
        self.patients.insert(key, record.patient);
        self.by_patient.entry(record.patient).or_default().insert(record.uid.clone());
        self.studies.insert(record.uid.clone(), Study { record, version, series: Vec::new() });
    }

    /// Takes in all pages of a study, after its own row. Pages come in any order; a page whose study is missing or that
    /// leaves a gap is not believed.
    pub fn load_pages(&mut self, mut pages: Vec<(PageRecord, u64)>) {
        pages.sort_by_key(|(page, _)| (page.series_index, page.page));
        for (page, version) in pages {
            let Some(study) = self.studies.get_mut(&page.study) else { continue };
            let at = page.series_index as usize;
            if at == study.series.len() && page.page == 0 {
                study.series.push(Series {
                    uid: page.series.clone(),
                    attributes: page.attributes,
                    instances: Vec::new(),
                    versions: Vec::new(),
                });
            }
            let Some(series) = study.series.get_mut(at).filter(|s| s.uid == page.series) else { continue };
            if series.instances.len() != page.page as usize * PAGE {
                continue;
            }
            series.versions.push(version);
            for record in page.instances {
                let place = Place { study: page.study.clone(), series: at, instance: series.instances.len() };
                self.instances.insert(record.sop_uid.clone(), place);
                series.instances.push(Instance { record, pending: false, under_way: Vec::new() });
            }
        }
    }
}
