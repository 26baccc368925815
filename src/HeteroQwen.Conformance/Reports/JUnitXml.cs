using System.Globalization;
using System.Text;
using System.Xml;

namespace HeteroQwen.Conformance;

/// <summary>The results as CI servers read them: one suite, a test case for each case, class and name split at the last '/'.</summary>
public static class JUnitXml
{
    public static void Write(Stream stream, ConformanceReport report)
    {
        ArgumentNullException.ThrowIfNull(report);
        using XmlWriter xml = XmlWriter.Create(stream, new XmlWriterSettings
        {
            Encoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false),
            Indent = true,
            NewLineChars = "\n",
        });
        xml.WriteStartElement("testsuites");
        xml.WriteStartElement("testsuite");
        xml.WriteAttributeString("name", Clean($"heteroqwen conform {report.Survey.Device.Id}"));
        xml.WriteAttributeString("tests", Number(report.Results.Length));
        xml.WriteAttributeString("failures", Number(report.Count(CaseStatus.Fail) + report.Count(CaseStatus.Mistrusted)));
        xml.WriteAttributeString("errors", Number(report.Count(CaseStatus.Crash) + report.Count(CaseStatus.Hang)));
        xml.WriteAttributeString("skipped", Number(report.Skips.Count()));
        xml.WriteAttributeString("time", Seconds(report.Results.Sum(r => r.Seconds)));
        foreach (CaseResult result in report.Results)
        {
            Write(xml, result, report);
        }

        xml.WriteEndElement();
        xml.WriteEndElement();
    }

    private static void Write(XmlWriter xml, CaseResult result, ConformanceReport report)
    {
        int slash = result.Id.LastIndexOf('/');
        xml.WriteStartElement("testcase");
        xml.WriteAttributeString("classname", Clean(slash < 0 ? "" : result.Id[..slash].Replace('/', '.')));
        xml.WriteAttributeString("name", Clean(result.Id[(slash + 1)..]));
        xml.WriteAttributeString("time", Seconds(result.Seconds));
        string? element = result.Status switch
        {
            CaseStatus.Pass => null,
            CaseStatus.Fail or CaseStatus.Mistrusted => "failure",
            CaseStatus.Crash or CaseStatus.Hang => "error",
            _ => "skipped",
        };
        if (element is not null)
        {
            xml.WriteStartElement(element);
            xml.WriteAttributeString("message", Clean($"{ReportJson.NameOf(result.Status)}: {result.Reason}"));
            xml.WriteString(Clean(report.Repro(result.Id)));
            xml.WriteEndElement();
        }

        xml.WriteEndElement();
    }

    /// <summary>Text without what XML cannot hold.</summary>
    private static string Clean(string text) => text.All(XmlConvert.IsXmlChar) ? text
        : string.Concat(text.Select(c => XmlConvert.IsXmlChar(c) ? c : '\uFFFD'));

    private static string Number(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static string Seconds(double seconds) => seconds.ToString("0.000", CultureInfo.InvariantCulture);
}
