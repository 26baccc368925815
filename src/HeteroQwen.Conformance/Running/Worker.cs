using System.Diagnostics;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace HeteroQwen.Conformance;

/// <summary>
/// The worker's side: it alone opens the device. Commands come one a line (<c>device</c>, <c>lowerings</c>, <c>cases</c>,
/// <c>run ID</c>), answers go out as one JSON value a line, until the commands end.
/// </summary>
public sealed class Worker
{
    internal const string DeviceCommand = "device";
    internal const string LoweringsCommand = "lowerings";
    internal const string CasesCommand = "cases";
    internal const string RunCommand = "run ";

    private readonly CaseContext _context;
    private readonly SuiteOptions _options;
    private readonly Dictionary<string, ConformanceCase> _cases = new(StringComparer.Ordinal);

    /// <param name="context">The open device and the host behind it.</param>
    /// <param name="options">What is judged.</param>
    /// <param name="cases">The cases, such as those of <see cref="Suite"/>.</param>
    /// <exception cref="ArgumentException">Two cases have the same id.</exception>
    public Worker(CaseContext context, SuiteOptions options, IEnumerable<ConformanceCase> cases)
    {
        ArgumentNullException.ThrowIfNull(context);
        ArgumentNullException.ThrowIfNull(cases);
        (_context, _options) = (context, options);
        foreach (ConformanceCase conformanceCase in cases)
        {
            if (!_cases.TryAdd(conformanceCase.Id, conformanceCase))
            {
                throw new ArgumentException($"two cases are named {conformanceCase.Id}", nameof(cases));
            }
        }
    }

    /// <summary>Answers commands until there are no more. Other output of the process must not go to <paramref name="answers"/>.</summary>
    public void Serve(TextReader commands, Stream answers)
    {
        ArgumentNullException.ThrowIfNull(commands);
        ArgumentNullException.ThrowIfNull(answers);
        while (commands.ReadLine() is { } command)
        {
            Answer(answers, command switch
            {
                DeviceCommand => json => WireWriting.Write(json, DeviceFactsOf.Context(_context)),
                LoweringsCommand => WriteLowerings,
                CasesCommand => WriteCases,
                _ when command.StartsWith(RunCommand, StringComparison.Ordinal) => json => WireWriting.Write(json, Run(command[4..])),
                _ => throw new ArgumentException($"'{command}' is no command of a worker", nameof(commands)),
            });
        }
    }

    private CaseResult Run(string id)
    {
        if (!_cases.TryGetValue(id, out ConformanceCase? found))
        {
            return new CaseResult(id, CaseStatus.Fail, "there is no case of this name");
        }

        long begin = Stopwatch.GetTimestamp();
        CaseResult result;
        try
        {
            result = found.Run(_context);
        }
        catch (Exception e)
        {
            // Cases do not throw for what a device does wrong, and a backend's member must not throw at all.
            string where = e.StackTrace?.Split('\n')[0].Trim() ?? "";
            result = new CaseResult(id, CaseStatus.Fail, $"{e.GetType().Name}: {e.Message} {where}");
        }

        return result with { Seconds = Stopwatch.GetElapsedTime(begin).TotalSeconds };
    }

    private void WriteLowerings(Utf8JsonWriter json)
    {
        json.WriteStartArray();
        foreach (ModelLowering lowering in LoweringSurvey.Of(_context.Device, _context.Host, _options.Precisions))
        {
            WireWriting.Write(json, lowering);
        }

        json.WriteEndArray();
    }

    private void WriteCases(Utf8JsonWriter json)
    {
        json.WriteStartArray();
        foreach (ConformanceCase conformanceCase in _cases.Values)
        {
            WireWriting.Write(json, CaseInfo.Of(conformanceCase));
        }

        json.WriteEndArray();
    }

    private static void Answer(Stream answers, Action<Utf8JsonWriter> write)
    {
        using (Utf8JsonWriter json = new(answers, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            write(json);
        }

        answers.Write("\n"u8);
        answers.Flush();
    }
}
