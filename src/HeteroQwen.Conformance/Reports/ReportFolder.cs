namespace HeteroQwen.Conformance;

/// <summary>The files of <c>--report DIR</c>.</summary>
public static class ReportFolder
{
    public const string Certificate = "certificate.json";
    public const string JUnit = "junit.xml";
    public const string Html = "report.html";

    public static void Write(string folder, ConformanceReport report)
    {
        ArgumentNullException.ThrowIfNull(report);
        Directory.CreateDirectory(folder);
        using (FileStream file = File.Create(Path.Combine(folder, Certificate)))
        {
            CertificateJson.Write(file, report);
        }

        using (FileStream file = File.Create(Path.Combine(folder, JUnit)))
        {
            JUnitXml.Write(file, report);
        }

        File.WriteAllText(Path.Combine(folder, Html), HtmlReport.Page(report));
    }
}
