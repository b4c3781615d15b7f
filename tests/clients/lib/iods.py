"""Objects of many kinds that `dciodvfy` finds nothing wrong with: what is wrong with a copy of one was made wrong. With
attributes of every kind that masks and profiles touch."""

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

from .films import new_uid, renew, to_bytes

STORAGE = "1.2.840.10008.5.1.4.1.1."
SIDE = 64


def whole():
    """Name → bytes of one image each, all of one study."""
    makers = (_cr, _ct, _mr, _dx, _us, _us_palette, _sc, _sc_word, _xa, _rf, _nm, _pt, _rt_image, _enhanced_ct)
    study = new_uid()
    return {maker.__name__[1:]: to_bytes(renew(maker(), study)) for maker in makers}


def document():
    """A PDF of a study of its own."""
    return to_bytes(renew(_pdf()))


def item(**values):
    """An item of a sequence."""
    out = Dataset()
    for keyword, value in values.items():
        setattr(out, keyword, value)
    return out


def code(value, scheme, meaning):
    """A coded entry (PS3.3 §8.8)."""
    return item(CodeValue=value, CodingSchemeDesignator=scheme, CodeMeaning=meaning)


CHEST = code("51185008", "SCT", "Chest")


def _pixels(film, samples=1, bits=8, frames=1, photometric="MONOCHROME2"):
    film.SamplesPerPixel, film.PhotometricInterpretation = samples, photometric
    film.Rows = film.Columns = SIDE
    film.BitsAllocated = 8 if bits <= 8 else 16
    film.BitsStored, film.HighBit, film.PixelRepresentation = bits, bits - 1, 0
    if samples > 1:
        film.PlanarConfiguration = 0
    shape = (frames, SIDE, SIDE, samples)
    random = np.random.default_rng(len(film.SOPClassUID) + frames + bits + samples)
    kind = np.uint8 if bits <= 8 else np.uint16
    film.PixelData = random.integers(0, 1 << bits, shape, dtype=kind).tobytes()
    film["PixelData"].VR = "OB" if bits <= 8 else "OW"


def _base(sop_class, modality, **more):
    """Patient, study, series, equipment, general image."""
    film = Dataset()
    film.file_meta = FileMetaDataset()
    film.file_meta.MediaStorageSOPClassUID = film.SOPClassUID = STORAGE + sop_class
    film.file_meta.TransferSyntaxUID, film.file_meta.ImplementationClassUID = ExplicitVRLittleEndian, "2.25.1"
    film.SpecificCharacterSet = "ISO_IR 100"
    film.PatientName, film.PatientID, film.PatientBirthDate, film.PatientSex = "Muster^Jörg", "GZ-9025", "19610203", "M"
    film.IssuerOfPatientID, film.PatientAge, film.PatientWeight, film.PatientSize = "GAUZE-DEMO", "065Y", 80, 1.8
    film.StudyDate = film.SeriesDate = film.AcquisitionDate = film.ContentDate = "20261124"
    film.StudyTime = film.SeriesTime = film.AcquisitionTime = film.ContentTime = "120000"
    film.AccessionNumber, film.StudyID, film.ReferringPhysicianName = "A-2525", "5118", "Arzt^Maria"
    film.StudyDescription, film.SeriesDescription, film.ProtocolName = "Thorax", "Serie", "Chest standard"
    film.Modality, film.SeriesNumber, film.InstanceNumber = modality, 1, 1
    film.Manufacturer, film.ManufacturerModelName, film.DeviceSerialNumber = "GAUZE TEST", "Bench", "4711-0815"
    film.SoftwareVersions, film.InstitutionName, film.StationName = "1.0", "Klinikum Nord", "RAUM2"
    film.OperatorsName, film.PerformingPhysicianName = "Hand^Otto", "Arzt^Maria"
    film.InstanceCreationDate, film.InstanceCreationTime = "20261124", "120001"
    if "BodyPartExamined" not in more:
        film.Laterality = ""
    film.ReferencedStudySequence = [item(ReferencedSOPClassUID="1.2.840.10008.3.1.2.3.1", ReferencedSOPInstanceUID=new_uid())]
    film.RequestAttributesSequence = [item(RequestedProcedureID="RP25", ScheduledProcedureStepID="SPS25",
                                           ScheduledProcedureStepDescription="Thorax", ReasonForTheRequestedProcedure="Husten")]
    film.PerformedProcedureStepStartDate, film.PerformedProcedureStepStartTime = "20261124", "115900"
    film.PerformedProcedureStepID, film.PerformedProcedureStepDescription = "PPS25", "Thorax"
    film.ImageType, film.BurnedInAnnotation = ["ORIGINAL", "PRIMARY"], "NO"
    film.PatientOrientation = ["L", "F"]
    film.ImageComments = "unauffällig"
    for keyword, value in more.items():
        setattr(film, keyword, value)
    block = film.private_block(0x0019, "GAUZE TEST", create=True)
    block.add_new(1, "LO", "private")
    block.add_new(2, "SQ", [item(PatientComments="nested")])
    return film


def _frame(film, **more):
    """Frame of reference and image plane."""
    film.FrameOfReferenceUID, film.PositionReferenceIndicator = new_uid(), "XY"
    film.PixelSpacing, film.SliceThickness = [0.5, 0.5], 2
    film.ImageOrientationPatient, film.ImagePositionPatient = [1, 0, 0, 0, 1, 0], [-16, -16, 0]
    for keyword, value in more.items():
        setattr(film, keyword, value)


def _cr():
    film = _base("1", "CR", BodyPartExamined="CHEST", ViewPosition="PA", KVP=120, ImagerPixelSpacing=[0.2, 0.2],
                 ImageLaterality="U")
    _pixels(film, bits=12)
    film.WindowCenter, film.WindowWidth = 2048, 4096
    film.LossyImageCompression, film.LossyImageCompressionRatio, film.LossyImageCompressionMethod = "01", 10, "ISO_10918_1"
    return film


def _ct():
    film = _base("2", "CT", ImageType=["ORIGINAL", "PRIMARY", "AXIAL"], BodyPartExamined="CHEST", PatientPosition="HFS",
                 KVP=120, AcquisitionNumber=1, RescaleIntercept=-1024, RescaleSlope=1, RescaleType="HU",
                 AcquisitionDateTime="20261124120000", SmallestImagePixelValue=0)
    film["SmallestImagePixelValue"].VR = "US"
    _frame(film)
    _pixels(film, bits=12)
    film.WindowCenter, film.WindowWidth = [40, -600], [400, 1500]
    film.IrradiationEventUID = new_uid()
    film.ReferencedImageSequence = [item(ReferencedSOPClassUID=STORAGE + "2", ReferencedSOPInstanceUID=new_uid(),
                                         PurposeOfReferenceCodeSequence=[code("121311", "DCM", "Localizer")])]
    return film


def _mr():
    film = _base("4", "MR", ImageType=["ORIGINAL", "PRIMARY", "OTHER"], BodyPartExamined="HEAD", PatientPosition="HFS",
                 ScanningSequence="SE", SequenceVariant="NONE", ScanOptions="", MRAcquisitionType="2D", RepetitionTime=500,
                 EchoTime=10, EchoTrainLength=1, MagneticFieldStrength=1.5)
    _frame(film)
    _pixels(film, bits=12)
    return film


def _dx():
    film = _base("1.1", "DX", BodyPartExamined="CHEST", ViewPosition="PA", PresentationIntentType="FOR PRESENTATION",
                 ImageLaterality="U", PixelIntensityRelationship="LOG", PixelIntensityRelationshipSign=-1,
                 RescaleIntercept=0, RescaleSlope=1, RescaleType="US", PresentationLUTShape="IDENTITY",
                 LossyImageCompression="00", PositionerType="NONE", DetectorType="DIRECT", DetectorID="D1",
                 DateOfLastDetectorCalibration="20260101", TimeOfLastDetectorCalibration="080000",
                 ImagerPixelSpacing=[0.2, 0.2], PatientOrientation=["L", "F"])
    film.AnatomicRegionSequence = [CHEST]
    view = code("399348003", "SCT", "postero-anterior")
    view.ViewModifierCodeSequence = []
    film.ViewCodeSequence, film.AcquisitionContextSequence = [view], []
    _pixels(film, bits=12)
    film.WindowCenter, film.WindowWidth = 2048, 4096
    return film


def _us():
    film = _base("6.1", "US", ImageType=["ORIGINAL", "PRIMARY", "ABDOMINAL"], TransducerType="SECTOR_PHASED")
    _pixels(film, samples=3, photometric="RGB")
    film.SequenceOfUltrasoundRegions = [item(
        RegionSpatialFormat=1, RegionDataType=1, RegionFlags=2, RegionLocationMinX0=0, RegionLocationMinY0=0,
        RegionLocationMaxX1=60, RegionLocationMaxY1=60, PhysicalUnitsXDirection=3, PhysicalUnitsYDirection=3,
        PhysicalDeltaX=0.1, PhysicalDeltaY=0.1)]
    film.LossyImageCompression, film.LossyImageCompressionRatio, film.LossyImageCompressionMethod = "01", 10, "ISO_10918_1"
    return film


def _us_palette():
    film = _us()
    _pixels(film, photometric="PALETTE COLOR")
    del film.PlanarConfiguration
    for at, colour in enumerate(("Red", "Green", "Blue")):
        film.add_new(0x00281101 + at, "US", [256, 0, 16])
        film.add_new(0x00281201 + at, "OW", (np.arange(256, dtype="<u2") * 257).tobytes())
    return film


def _sc():
    film = _base("7", "OT", ConversionType="WSD", SecondaryCaptureDeviceID="K1", SecondaryCaptureDeviceManufacturer="GAUZE")
    film.ImageType = ["DERIVED", "SECONDARY"]
    _pixels(film, samples=3, photometric="RGB")
    return film


def _sc_word():
    film = _base("7.3", "OT", ConversionType="WSD", NumberOfFrames=3, FrameTime=40, RescaleIntercept=0, RescaleSlope=1,
                 RescaleType="US", PresentationLUTShape="IDENTITY", BurnedInAnnotation="YES")
    film.FrameIncrementPointer = 0x00181063
    _pixels(film, bits=12, frames=3)
    return film


def _projection(film, frames):
    film.NumberOfFrames, film.FrameTime, film.FrameIncrementPointer = frames, 40, 0x00181063
    film.PixelIntensityRelationship, film.KVP, film.RadiationSetting, film.ExposureTime = "LIN", 70, "SC", 10
    film.XRayTubeCurrent, film.Exposure = 10, 1
    film.CineRate, film.RecommendedDisplayFrameRate, film.StartTrim, film.StopTrim = 25, 25, 1, frames
    _pixels(film, bits=10, frames=frames)


def _xa():
    film = _base("12.1", "XA", ImageType=["ORIGINAL", "PRIMARY", "SINGLE PLANE"], PositionerMotion="STATIC",
                 PositionerPrimaryAngle=0, PositionerSecondaryAngle=0, DistanceSourceToDetector=1000, DistanceSourceToPatient=700)
    _projection(film, 3)
    return film


def _rf():
    film = _base("12.2", "RF", ImageType=["ORIGINAL", "PRIMARY", "SINGLE PLANE"])
    _projection(film, 2)
    return film


def _nm():
    film = _base("20", "NM", ImageType=["ORIGINAL", "PRIMARY", "STATIC", "EMISSION"], NumberOfFrames=2,
                 CountsAccumulated=1000, ActualFrameDuration=1000, PatientOrientation=["L", "F"], NumberOfEnergyWindows=1,
                 NumberOfDetectors=2, DistanceSourceToDetector=100)
    film.EnergyWindowVector, film.DetectorVector = [1, 1], [1, 2]
    film.FrameIncrementPointer = [0x00540010, 0x00540020]
    film.PixelSpacing = [2, 2]
    film.PatientOrientationCodeSequence = [code("102538003", "SCT", "recumbent")]
    film.PatientOrientationCodeSequence[0].PatientOrientationModifierCodeSequence = [code("40199007", "SCT", "supine")]
    film.PatientGantryRelationshipCodeSequence = [code("102540008", "SCT", "headfirst")]
    film.EnergyWindowInformationSequence = [item(EnergyWindowName="Tc99m")]
    drug = item(RadiopharmaceuticalStartTime="110000", RadionuclideTotalDose=500)
    drug.RadionuclideCodeSequence = [code("72454004", "SCT", "^99m^Technetium")]
    film.RadiopharmaceuticalInformationSequence = [drug]
    detector = item(CollimatorType="PARA", ImageOrientationPatient=[], ImagePositionPatient=[])
    film.DetectorInformationSequence = [detector, detector]
    _pixels(film, bits=16, frames=2)
    del film.PatientOrientation
    return film


def _pt():
    film = _base("128", "PT", SeriesType=["STATIC", "IMAGE"], Units="CNTS", CountsSource="EMISSION",
                 NumberOfSlices=1, CorrectedImage=["DECY"], DecayCorrection="START", CollimatorType="NONE", ImageIndex=1,
                 RescaleIntercept=0, RescaleSlope=1, FrameReferenceTime=0, ActualFrameDuration=1000, DecayFactor=1)
    _frame(film)
    drug = item(RadiopharmaceuticalStartTime="110000", RadionuclideTotalDose=500, RadionuclideHalfLife=6588)
    drug.RadionuclideCodeSequence = [code("77004003", "SCT", "^18^Fluorine")]
    film.RadiopharmaceuticalInformationSequence = [drug]
    film.PatientOrientationCodeSequence = [code("102538003", "SCT", "recumbent")]
    film.PatientGantryRelationshipCodeSequence = [code("102540008", "SCT", "headfirst")]
    film.PatientOrientationCodeSequence[0].PatientOrientationModifierCodeSequence = [code("40199007", "SCT", "supine")]
    _pixels(film, bits=16)
    return film


def _enhanced(sop_class, modality, frame_type, **more):
    """Multi-frame functional groups, dimensions, frame content."""
    film = _base(sop_class, modality, ImageType=frame_type, NumberOfFrames=2, AcquisitionDateTime="20261124120000",
                 AcquisitionDuration=1, AcquisitionNumber=1, PatientPosition="HFS", ContentQualification="RESEARCH",
                 PresentationLUTShape="IDENTITY", LossyImageCompression="00", VolumetricProperties="VOLUME",
                 PixelPresentation="MONOCHROME", VolumeBasedCalculationTechnique="NONE", **more)
    film.FrameOfReferenceUID, film.PositionReferenceIndicator = new_uid(), ""
    film.AcquisitionContextSequence = []
    dimensions = new_uid()
    film.DimensionOrganizationSequence = [item(DimensionOrganizationUID=dimensions)]
    film.DimensionIndexSequence = [item(DimensionIndexPointer=0x00209057, FunctionalGroupPointer=0x00209111,
                                        DimensionOrganizationUID=dimensions)]
    film.SharedFunctionalGroupsSequence = [_shared(frame_type)]
    film.PerFrameFunctionalGroupsSequence = [_of_frame(n) for n in (1, 2)]
    _pixels(film, bits=12, frames=2)
    for keyword in ("PatientOrientation", "Laterality", "ImageComments"):
        delattr(film, keyword)
    return film


def _shared(frame_type):
    out = Dataset()
    out.PixelMeasuresSequence = [item(PixelSpacing=[0.5, 0.5], SliceThickness=2)]
    out.PlaneOrientationSequence = [item(ImageOrientationPatient=[1, 0, 0, 0, 1, 0])]
    region = item(FrameLaterality="U")
    region.AnatomicRegionSequence = [CHEST]
    out.FrameAnatomySequence = [region]
    out.PixelValueTransformationSequence = [item(RescaleIntercept=0, RescaleSlope=1, RescaleType="US")]
    out.FrameVOILUTSequence = [item(WindowCenter=2048, WindowWidth=4096)]
    kind = item(FrameType=frame_type, PixelPresentation="MONOCHROME", VolumetricProperties="VOLUME",
                VolumeBasedCalculationTechnique="NONE")
    out.kind = kind
    return out


def _of_frame(number):
    out = Dataset()
    out.FrameContentSequence = [item(
        FrameAcquisitionNumber=1, FrameReferenceDateTime="20261124120000", FrameAcquisitionDateTime="20261124120000",
        FrameAcquisitionDuration=1, DimensionIndexValues=number, StackID="1", InStackPositionNumber=number)]
    out.PlanePositionSequence = [item(ImagePositionPatient=[-16, -16, 2 * number])]
    return out


def _enhanced_ct():
    film = _enhanced("2.1", "CT", ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"], MultienergyCTAcquisition="NO")
    shared = film.SharedFunctionalGroupsSequence[0]
    shared.CTImageFrameTypeSequence = [shared.kind]
    del shared.kind
    shared.PixelValueTransformationSequence[0].RescaleType = "HU"
    shared.CTAcquisitionTypeSequence = [item(AcquisitionType="SEQUENCED", ConstantVolumeFlag="NO", FluoroscopyFlag="NO")]
    shared.CTAcquisitionDetailsSequence = [item(
        RotationDirection="CW", RevolutionTime=1, SingleCollimationWidth=1, TotalCollimationWidth=1, TableHeight=0,
        GantryDetectorTilt=0, DataCollectionDiameter=500)]
    shared.CTTableDynamicsSequence = [Dataset()]
    shared.CTPositionSequence = [item(TablePosition=0.0, DataCollectionCenterPatient=[0.0, 0.0, 0.0],
                                      ReconstructionTargetCenterPatient=[0.0, 0.0, 0.0])]
    shared.CTGeometrySequence = [item(DistanceSourceToDetector=1000, DistanceSourceToDataCollectionCenter=500)]
    shared.CTReconstructionSequence = [item(
        ReconstructionAlgorithm="FILTER_BACK_PROJ", ConvolutionKernelGroup="SOFT_TISSUE", ConvolutionKernel="B30",
        ReconstructionDiameter=400, ReconstructionPixelSpacing=[0.5, 0.5], ReconstructionAngle=360, ImageFilter="NONE")]
    shared.CTExposureSequence = [item(ExposureTimeInms=1000.0, XRayTubeCurrentInmA=100.0, ExposureInmAs=100.0,
                                      ExposureModulationType="NONE", CTDIvol=5.0)]
    shared.CTXRayDetailsSequence = [item(KVP=120, FocalSpots=1.0, FilterType="FLAT", FilterMaterial="ALUMINUM")]
    shared.IrradiationEventIdentificationSequence = [item(IrradiationEventUID=new_uid())]
    return film


def _rt_image():
    film = _base("481.1", "RTIMAGE", ImageType=["ORIGINAL", "PRIMARY", "PORTAL"], ConversionType="DI", RTImageLabel="Portal",
                 RTImagePlane="NORMAL", XRayImageReceptorAngle=None, RTImagePosition=[], RadiationMachineName="",
                 RadiationMachineSAD=None, RTImageSID=None, PrimaryDosimeterUnit="", ReportedValuesOrigin="ACTUAL",
                 GantryAngle=0, ImagePlanePixelSpacing=[0.5, 0.5])
    _pixels(film, bits=8)
    return film


def _pdf():
    film = _base("104.1", "DOC", ConversionType="WSD", DocumentTitle="Befund", MIMETypeOfEncapsulatedDocument="application/pdf")
    film.EncapsulatedDocument = b"%PDF-1.4 Befund Muster "
    film["EncapsulatedDocument"].VR = "OB"
    film.AcquisitionDateTime, film.ConceptNameCodeSequence = "20261124120000", []
    for keyword in ("ImageType", "PatientOrientation", "ImageComments"):
        delattr(film, keyword)
    return film
