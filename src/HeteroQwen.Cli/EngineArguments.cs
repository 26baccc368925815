using System.CommandLine;
using HeteroQwen.Backends;
using HeteroQwen.Generation;
using HeteroQwen.Ir;
using HeteroQwen.Models;
using HeteroQwen.Runtime;

namespace HeteroQwen.Cli;

/// <summary>The options that say how a model is opened on a device.</summary>
/// <param name="precision">Unless one is given.</param>
/// <param name="several">Whether several backends and several numbers of threads may be given, to be run one after the other.</param>
internal sealed class EngineArguments(Precision precision, bool several = false)
{
    private static readonly ElementType[] s_kvTypes = [ElementType.F32, ElementType.F16, ElementType.BF16, ElementType.Q8_0];

    private readonly Option<string> _backend = Arguments.Backend(several);
    private readonly Option<string?> _plugin = Arguments.Plugin();
    private readonly Option<string?> _threads = Arguments.Threads(several);
    private readonly Option<string?> _tier = Arguments.Text(
        "--tier", "TIER", "A lower tier of the device's kernels than its best; `heteroqwen devices --json` lists them");
    private readonly Option<string?> _precision = Arguments.Text(
        "--precision", "exact|fast",
        $"exact keeps every operand at f32, fast may round as the device declares; {Name(precision)} unless given");
    private readonly Option<string?> _kv = Arguments.Text(
        "--kv", "f32|f16|bf16|q8_0", "Type of the KV cache; f32 with exact, with fast f16 where the device holds it");
    private readonly Option<bool> _hostFallback = Arguments.Flag("--host-fallback", "Consent to run on the host what the device does not");

    public void AddTo(Command command)
    {
        foreach (Option option in (ReadOnlySpan<Option>)[_backend, _plugin, _threads, _tier, _precision, _kv, _hostFallback])
        {
            command.Options.Add(option);
        }
    }

    /// <exception cref="UserErrorException">A value is wrong.</exception>
    public EngineSettings Read(ParseResult parsed) => Read(parsed, Backend(parsed), Arguments.Whole(parsed, _threads, 1));

    /// <summary>Each of several backends with each of several numbers of threads.</summary>
    /// <exception cref="UserErrorException">A value is wrong.</exception>
    public IReadOnlyList<EngineSettings> ReadAll(ParseResult parsed)
    {
        int?[] threads = parsed.GetValue(_threads) is { } list ? [.. WholeNumbers.Parse(list, _threads.Name, 1)] : [null];
        string?[] backends = Backend(parsed) is { } names ? [.. names.Split(',', StringSplitOptions.TrimEntries)] : [null];
        return [.. from backend in backends from count in threads select Read(parsed, backend, count)];
    }

    public static string Name(Precision precision) => precision == Precision.Exact ? "exact" : "fast";

    private string? Backend(ParseResult parsed) =>
        parsed.GetResult(_backend) is { Implicit: false } || parsed.GetValue(_plugin) is null ? parsed.GetValue(_backend)! : null;

    private EngineSettings Read(ParseResult parsed, string? backend, int? threads) => new(
        backend,
        parsed.GetValue(_plugin),
        threads,
        parsed.GetValue(_tier),
        new EngineOptions
        {
            Precision = Arguments.Choice(parsed, _precision, "exact", "fast") switch
            {
                null => precision,
                "exact" => Precision.Exact,
                _ => Precision.Fast,
            },
            KvType = Arguments.Choice(parsed, _kv, [.. s_kvTypes.Select(t => t.Name())]) is { } kv
                ? s_kvTypes.Single(t => t.Name() == kv)
                : null,
            AllowHostFallback = parsed.GetValue(_hostFallback),
        });
}

/// <summary>A device by name and how a model is opened on it.</summary>
/// <param name="Backend">What <c>-b</c> says; null for the plug-in's own.</param>
/// <param name="Plugin">What <c>--plugin</c> says.</param>
/// <param name="Threads">Threads of a processor; null for all.</param>
/// <param name="Tier">A lower tier of the device's kernels; null for the best.</param>
/// <param name="Options">How the model is opened.</param>
internal sealed record EngineSettings(string? Backend, string? Plugin, int? Threads, string? Tier, EngineOptions Options)
{
    /// <summary>Opens the device; early, so that a wrong name is told before a large model is read.</summary>
    public Device OpenDevice(Tool tool) => tool.Backends.Open(DeviceName(tool), Threads, Tier);

    /// <summary>The name by which the device is opened; a plug-in is loaded now.</summary>
    public string DeviceName(Tool tool)
    {
        string? own = Plugin is null ? null : tool.Backends.AddPlugin(Plugin);
        return Backend ?? own!;
    }

    public Device? OpenHost(Tool tool, Device device) => Options.AllowHostFallback ? tool.Backends.HostFor(device, Threads) : null;

    public Engine Open(Tool tool, IModelSource model, Device device)
    {
        using Progress progress = new(tool.Terminal, $"loading {model.Name} on {device.Id}");
        return Engine.Open(model, device, OpenHost(tool, device), Options);
    }
}
