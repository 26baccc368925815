using System.Collections.Immutable;
using HeteroQwen.Backends;
using HeteroQwen.Backends.Cpu;
using HeteroQwen.Backends.OpenCL;
using HeteroQwen.Backends.Reference;
using HeteroQwen.Ir;
using HeteroQwen.Runtime;

namespace HeteroQwen.Cli;

/// <summary>There is no such backend or device; exit code 3.</summary>
internal sealed class NoSuchDeviceException(string message) : UserErrorException(message);

/// <summary>The backends that this program knows. A device is opened once and shared.</summary>
internal sealed class BackendRegistry : IDisposable
{
    /// <summary>Every backend is one line here; the order is that of lists and of the tour.</summary>
    private readonly List<IBackend> _all =
    [
        new CpuBackend(),
        new ReferenceBackend(),
        new OpenClBackend(),
    ];

    private readonly Dictionary<string, Device> _open = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _plugins = new(StringComparer.Ordinal);

    /// <summary>Adds the backend of an assembly, unless that was done before, and returns its name.</summary>
    /// <exception cref="UserErrorException">It cannot be loaded, or its name is taken.</exception>
    public string AddPlugin(string plugin)
    {
        if (_plugins.TryGetValue(plugin, out string? known))
        {
            return known;
        }

        IBackend backend = PluginLoader.Load(plugin);
        if (_all.Any(b => b.Name == backend.Name))
        {
            throw new UserErrorException($"--plugin {plugin}: its backend is called {backend.Name}, as one that is here; give it another name");
        }

        _all.Add(backend);
        _plugins.Add(plugin, backend.Name);
        return backend.Name;
    }

    /// <summary>Every device, absent ones too, with the name that <c>-b</c> takes.</summary>
    public IReadOnlyList<(string Id, string Backend, DeviceInfo Info)> Devices() =>
    [
        .. from backend in _all
           from info in DevicesOf(backend)
           select ($"{backend.Name}:{info.Index}", backend.Name, info),
    ];

    /// <summary>Opens what <c>-b BACKEND[:INDEX]</c> names, or <c>-b BACKEND:PART</c> by a part of the device's name.</summary>
    /// <param name="name">The backend's name, perhaps with an index.</param>
    /// <param name="threads">Threads of a processor; null for all. It and the tier hold for the first that opens the device.</param>
    /// <param name="tier">A lower tier of the device's kernels; null for the best.</param>
    /// <exception cref="NoSuchDeviceException">There is no such backend or device.</exception>
    /// <exception cref="BackendException">The device cannot be opened.</exception>
    public Device Open(string name, int? threads, string? tier = null)
    {
        (IBackend backend, int index) = Find(name);
        string id = $"{backend.Name}:{index}";
        if (!_open.TryGetValue(id, out Device? device))
        {
            List<(string, AttributeValue)> options = [];
            if (threads is { } count)
            {
                options.Add(("threads", (long)count));
            }

            if (tier is not null)
            {
                options.Add(("tier", tier));
            }

            _open.Add(id, device = Device.Open(backend, index, new([.. options])));
        }

        return device;
    }

    private (IBackend Backend, int Index) Find(string name)
    {
        string[] parts = name.Split(':', 2);
        IBackend backend = _all.FirstOrDefault(b => b.Name == parts[0]) ?? throw new NoSuchDeviceException(NoBackend(parts[0]));
        int index = 0;
        if (parts.Length == 2 && !int.TryParse(parts[1], System.Globalization.NumberStyles.None, null, out index))
        {
            index = IndexOf(name, backend, parts[1]);
        }

        DeviceInfo info = DevicesOf(backend).FirstOrDefault(d => d.Index == index)
            ?? throw new NoSuchDeviceException(
                $"-b {name}: there is no device {index} of {backend.Name}; `heteroqwen devices` lists those here");
        if (!info.Available)
        {
            throw new NoSuchDeviceException(
                $"-b {name}: the device is not available ({info.Reason}); `heteroqwen devices` lists those here");
        }

        return (backend, index);
    }

    /// <summary>The one device whose name holds a text, whatever its case.</summary>
    private static int IndexOf(string name, IBackend backend, string text)
    {
        DeviceInfo[] found = [.. DevicesOf(backend).Where(d => text.Length > 0 && d.Name.Contains(text, StringComparison.OrdinalIgnoreCase))];
        return found.Length == 1
            ? found[0].Index
            : throw new NoSuchDeviceException(
                $"-b {name}: {found.Length} devices of {backend.Name} have '{text}' in their name, where one is wanted; write an index or "
                + "a part of a name that `heteroqwen devices` lists");
    }

    /// <summary>What a device can do at most with weights of a type; null if it does not say.</summary>
    /// <exception cref="BackendException">It could not be measured.</exception>
    public Peaks? MeasurePeaks(Device device, Precision precision, ElementType weights) =>
        device.MeasurePeaks(precision, weights)

        // The reference computes on one thread of the processor, which therefore speaks for it.
        ?? (device.Id.StartsWith("reference:", StringComparison.Ordinal) ? Open("cpu", 1).MeasurePeaks(precision, weights) : null);

    /// <summary>Threads that a device runs on; null where it has none to speak of.</summary>
    /// <param name="device">The device.</param>
    /// <param name="asked">Those that it was opened with; null for what it takes of itself.</param>
    public static int? ThreadsOf(Device device, int? asked) => asked
        ?? (device.Id.StartsWith("cpu:", StringComparison.Ordinal) ? Environment.ProcessorCount
            : device.Id.StartsWith("reference:", StringComparison.Ordinal) ? 1
            : null);

    /// <summary>What the backend says of an open device.</summary>
    public DeviceInfo InfoOf(Device device) => Devices().Single(d => d.Id == device.Id).Info;

    /// <summary>The backend of an open device.</summary>
    public IBackend BackendOf(Device device) => _all.Single(b => device.Id.StartsWith($"{b.Name}:", StringComparison.Ordinal));

    /// <summary>Refuses what <c>-b</c> names if it is not there, without opening it.</summary>
    /// <exception cref="NoSuchDeviceException">There is no such backend or device.</exception>
    public void Check(string name) => Find(name);

    /// <summary>The device that takes what <paramref name="device"/> does not run: the processor, else the reference.</summary>
    public Device HostFor(Device device, int? threads) =>
        device.Id.StartsWith("cpu:", StringComparison.Ordinal) ? Open("reference", null) : Open("cpu", threads);

    /// <summary>Closes every device, so that it can be opened with other threads or another tier.</summary>
    public void CloseDevices()
    {
        foreach (Device device in _open.Values)
        {
            device.Dispose();
        }

        _open.Clear();
    }

    public void Dispose() => CloseDevices();

    private static ImmutableArray<DeviceInfo> DevicesOf(IBackend backend)
    {
        Status status = backend.Devices(out ImmutableArray<DeviceInfo> devices);
        return status.IsOk ? devices : [new DeviceInfo(0, backend.Name, false, status.Message ?? "the backend failed", 0, [], [])];
    }

    private string NoBackend(string name)
    {
        string[] names = [.. _all.Select(b => b.Name)];
        return $"-b {name}: there is no such backend here, only {string.Join(", ", names[..^1])} and {names[^1]}; {Suggestion.For(name, names) switch
        {
            "" => $"write -b {names[0]}",
            var guess => guess,
        }}";
    }
}
