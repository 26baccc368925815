using System.Text;
using Silk.NET.OpenCL;
using ClDeviceInfo = Silk.NET.OpenCL.DeviceInfo;

namespace HeteroQwen.Backends.OpenCL;

/// <summary>Reads what platforms and devices say of themselves. A driver that does not answer gives the default.</summary>
internal sealed unsafe class ClInfo(CL cl)
{
    /// <summary>No name or list of extensions of an honest driver is longer.</summary>
    private const int MostBytes = 1 << 20;

    public string Text(nint device, ClDeviceInfo what)
    {
        nuint size = 0;
        if (cl.GetDeviceInfo(device, what, 0, null, &size) != ClErrors.Success || size is 0 or > MostBytes)
        {
            return "";
        }

        byte[] bytes = new byte[size];
        fixed (byte* to = bytes)
        {
            return cl.GetDeviceInfo(device, what, size, to, null) == ClErrors.Success ? Clean(bytes) : "";
        }
    }

    public string Text(nint platform, PlatformInfo what)
    {
        nuint size = 0;
        if (cl.GetPlatformInfo(platform, what, 0, null, &size) != ClErrors.Success || size is 0 or > MostBytes)
        {
            return "";
        }

        byte[] bytes = new byte[size];
        fixed (byte* to = bytes)
        {
            return cl.GetPlatformInfo(platform, what, size, to, null) == ClErrors.Success ? Clean(bytes) : "";
        }
    }

    public T Value<T>(nint device, ClDeviceInfo what, T otherwise = default)
        where T : unmanaged
    {
        T value = default;
        return cl.GetDeviceInfo(device, what, (nuint)sizeof(T), &value, null) == ClErrors.Success ? value : otherwise;
    }

    private static string Clean(byte[] bytes)
    {
        StringBuilder text = new();
        foreach (char c in Encoding.UTF8.GetString(bytes))
        {
            text.Append(char.IsControl(c) ? ' ' : c);
        }

        return text.ToString().Trim();
    }
}
