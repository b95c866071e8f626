// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IIdentity} from "./IIdentity.sol";
import {PackedBinding, packBinding} from "./PackedBinding.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";

/// @title Identity
/// @notice Implements IIdentity, which documents every function.
contract Identity is IIdentity, EIP712 {
    uint32 public constant SCOPE_ATTEST = 1 << 0;
    uint32 public constant SCOPE_VOTE = 1 << 1;
    uint64 public constant MAX_VALIDITY = 90 days;
    uint256 public constant MAX_DEVICES = 256;

    bytes32 private constant DELEGATION_TYPEHASH = keccak256(
        "Delegation(address owner,address sessionKey,bytes32 peerId,uint32 scope,uint64 validUntil,uint32 epoch,uint32 nonce,address replaces)"
    );
    bytes32 private constant CONSENT_TYPEHASH =
        keccak256("SessionConsent(address owner,uint32 scope,uint64 validUntil,uint32 epoch,uint32 nonce)");
    bytes32 private constant END_TYPEHASH = keccak256("SessionEnd(address owner,uint32 epoch,uint32 nonce)");

    uint32 private constant EVERY_SCOPE = 0xfff;

    /// @dev The prime of secp256k1's field (SEC 2, section 2.4.1).
    uint256 private constant FIELD = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEFFFFFC2F;

    mapping(address device => PackedBinding) private _bindings;
    /// @dev The devices that have a place, `MAX_DEVICES` at most, so that revokeAll can mark each of them.
    mapping(address owner => address[]) private _devices;
    /// @dev The devices whose place another one has taken.
    mapping(address owner => address[]) private _retired;
    mapping(address owner => uint32) public epochOf;
    mapping(address device => bytes32) public peerIdOf;
    mapping(bytes32 peerId => address) public deviceOf;

    constructor() EIP712("Starling", "1") {}

    /// @inheritdoc IIdentity
    function register(bytes32 x, bytes32 y) external returns (address device, bytes32 peerId) {
        return _register(x, y);
    }

    /// @inheritdoc IIdentity
    function bind(
        bytes32 x,
        bytes32 y,
        Delegation calldata delegation,
        bytes calldata ownerSignature,
        bytes calldata consentSignature
    ) external {
        (address device, bytes32 peerId) = _register(x, y);
        require(device == delegation.sessionKey, WrongDevice(device, delegation.sessionKey));
        require(peerId == delegation.peerId, WrongPeerId(peerId, delegation.peerId));
        _checkTerms(delegation);
        _checkSignatures(delegation, ownerSignature, consentSignature);

        address owner = delegation.owner;
        PackedBinding held = _bindings[device];
        bool isNew = held.owner() == address(0);
        if (!isNew) {
            require(held.owner() == owner, Taken(device, held.owner()));
            require(!held.isRetired(), DeviceRetired(device));
            // In the same epoch an older signature could be posted after a newer one. It must neither revive
            // a device nor change what it may do.
            if (held.epoch() == delegation.epoch) {
                require(!held.isRevoked(), DeviceRevoked(device));
                require(delegation.nonce > held.nonce(), NotNewer(delegation.nonce, held.nonce()));
            }
        }
        _bindings[device] =
            packBinding(owner, delegation.validUntil, delegation.epoch, delegation.nonce, delegation.scope);
        _replace(owner, device, delegation.replaces);
        if (isNew) _givePlace(owner, device);
        emit Bound(owner, device, delegation.scope, delegation.validUntil, delegation.epoch);
    }

    /// @inheritdoc IIdentity
    function revoke(address device) external {
        PackedBinding held = _bindings[device];
        require(held.owner() == msg.sender && !held.isRevoked(), NotYours(device));
        _bindings[device] = held.revoked();
        emit Revoked(msg.sender, device);
    }

    /// @inheritdoc IIdentity
    function endSession() external {
        _endSession(msg.sender, _bindings[msg.sender]);
    }

    /// @inheritdoc IIdentity
    function endSessionFor(address device, bytes calldata signature) external {
        PackedBinding held = _bindings[device];
        bytes32 end =
            _hashTypedDataV4(keccak256(abi.encode(END_TYPEHASH, held.owner(), held.epoch(), held.nonce())));
        require(device != address(0) && _signer(end, signature) == device, BadEndSignature());
        _endSession(device, held);
    }

    /// @inheritdoc IIdentity
    function revokeAll() external {
        uint32 epoch = epochOf[msg.sender] + 1;
        // A binding holds 16 bits of it.
        require(epoch <= type(uint16).max, TooManyEpochs());
        epochOf[msg.sender] = epoch;
        emit EpochRaised(msg.sender, epoch);
        address[] storage devices = _devices[msg.sender];
        uint256 count = devices.length;
        for (uint256 i; i < count; ++i) {
            address device = devices[i];
            PackedBinding held = _bindings[device];
            if (held.isRevoked()) continue;
            _bindings[device] = held.revoked();
            emit Revoked(msg.sender, device);
        }
    }

    /// @inheritdoc IIdentity
    function mayAct(address device, uint32 scope) external view returns (bool) {
        return _mayAct(device, scope);
    }

    /// @inheritdoc IIdentity
    function mayActEach(address[] calldata devices, uint32 scope) external view returns (uint256 bits) {
        uint256 count = devices.length;
        require(count <= 256, TooManyDevices());
        for (uint256 i; i < count; ++i) {
            if (_mayAct(devices[i], scope)) bits |= uint256(1) << i;
        }
    }

    /// @inheritdoc IIdentity
    function ownerOf(address device) external view returns (address) {
        PackedBinding held = _bindings[device];
        return held.inForce(block.timestamp) ? held.owner() : address(0);
    }

    /// @inheritdoc IIdentity
    /// @dev The devices are in memory and `ownerOf` is called from outside: with a second caller the compiler
    /// would inline less, and each attestation of a batch would cost 72 gas more.
    function ownersOf(address[] memory devices) external view returns (address[] memory owners) {
        owners = new address[](devices.length);
        for (uint256 i; i < devices.length; ++i) {
            owners[i] = this.ownerOf(devices[i]);
        }
    }

    /// @inheritdoc IIdentity
    function bindingOf(address device) external view returns (Binding memory) {
        PackedBinding held = _bindings[device];
        return Binding(
            held.owner(),
            held.validUntil(),
            held.epoch(),
            held.nonce(),
            held.scope(),
            held.isRevoked(),
            held.isRetired()
        );
    }

    /// @inheritdoc IIdentity
    function devicesOf(address owner) external view returns (address[] memory devices) {
        address[] storage present = _devices[owner];
        address[] storage retired = _retired[owner];
        uint256 count = present.length;
        devices = new address[](count + retired.length);
        for (uint256 i; i < devices.length; ++i) {
            devices[i] = i < count ? present[i] : retired[i - count];
        }
    }

    /// @inheritdoc IIdentity
    function derive(bytes32 x, bytes32 y) public pure returns (address device, bytes32 peerId) {
        // The compressed point holds only x and the parity of y. Off the curve many values of y would give
        // the same PeerId with different addresses, so that an attacker could put its address under the
        // PeerId of another key.
        require(_onCurve(uint256(x), uint256(y)), NotOnCurve());
        device = address(uint160(uint256(keccak256(abi.encodePacked(x, y)))));
        peerId = sha256(abi.encodePacked(hex"002508021221", uint8(2 + (uint256(y) & 1)), x));
    }

    function _register(bytes32 x, bytes32 y) private returns (address device, bytes32 peerId) {
        (device, peerId) = derive(x, y);
        if (peerIdOf[device] != 0) return (device, peerId);
        peerIdOf[device] = peerId;
        deviceOf[peerId] = device;
        emit Registered(device, peerId, x, y);
    }

    /// @dev Ends the delegation of the device that another one replaces. It may have ended already.
    function _replace(address owner, address device, address old) private {
        if (old == address(0)) return;
        PackedBinding held = _bindings[old];
        require(old != device && held.owner() == owner, NotYours(old));
        if (held.isRevoked()) return;
        _bindings[old] = held.revoked();
        emit Revoked(owner, old);
    }

    /// @dev Lists a device that is bound for the first time. Where every place is taken, it gets that of a
    /// revoked device, or else of one whose delegation has expired.
    function _givePlace(address owner, address device) private {
        address[] storage devices = _devices[owner];
        uint256 count = devices.length;
        if (count < MAX_DEVICES) {
            devices.push(device);
            return;
        }
        uint256 place = MAX_DEVICES;
        for (uint256 i; i < count; ++i) {
            PackedBinding held = _bindings[devices[i]];
            if (held.isRevoked()) {
                place = i;
                break;
            }
            if (place == MAX_DEVICES && !held.inForce(block.timestamp)) place = i;
        }
        require(place < MAX_DEVICES, TooManyDevices());
        address old = devices[place];
        _bindings[old] = _bindings[old].retired();
        _retired[owner].push(old);
        devices[place] = device;
        emit Retired(owner, old);
    }

    function _endSession(address device, PackedBinding held) private {
        require(held.owner() != address(0) && !held.isRevoked(), NotBound(device));
        _bindings[device] = held.revoked();
        emit SessionEnded(held.owner(), device);
    }

    /// @dev Checks a delegation before its signatures: owner, scope, validity and epoch.
    function _checkTerms(Delegation calldata delegation) private view {
        address owner = delegation.owner;
        require(owner != address(0) && owner != delegation.sessionKey, BadOwner(owner));
        require(delegation.scope != 0 && delegation.scope <= EVERY_SCOPE, BadScope(delegation.scope));
        uint256 latest = block.timestamp + MAX_VALIDITY;
        require(
            delegation.validUntil >= block.timestamp && delegation.validUntil <= latest,
            BadValidity(delegation.validUntil, block.timestamp, latest)
        );
        uint32 current = epochOf[owner];
        require(delegation.epoch == current, WrongEpoch(delegation.epoch, current));
    }

    function _checkSignatures(
        Delegation calldata delegation,
        bytes calldata ownerSignature,
        bytes calldata consentSignature
    ) private view {
        bytes32 digest = _hashTypedDataV4(
            keccak256(
                abi.encode(
                    DELEGATION_TYPEHASH,
                    delegation.owner,
                    delegation.sessionKey,
                    delegation.peerId,
                    delegation.scope,
                    delegation.validUntil,
                    delegation.epoch,
                    delegation.nonce,
                    delegation.replaces
                )
            )
        );
        // The ECDSA signature is tried first: an account with EIP-7702 code still has its key, and its code
        // may not implement ERC-1271.
        if (_signer(digest, ownerSignature) != delegation.owner) {
            require(
                SignatureChecker.isValidERC1271SignatureNow(delegation.owner, digest, ownerSignature),
                BadOwnerSignature()
            );
        }
        bytes32 consent = _hashTypedDataV4(
            keccak256(
                abi.encode(
                    CONSENT_TYPEHASH,
                    delegation.owner,
                    delegation.scope,
                    delegation.validUntil,
                    delegation.epoch,
                    delegation.nonce
                )
            )
        );
        require(_signer(consent, consentSignature) == delegation.sessionKey, BadConsentSignature());
    }

    /// @dev The signer of 65 bytes r, s, v with v of 0, 1, 27 or 28, or of 64 bytes r, vs (EIP-2098). Zero
    /// for a signature that is malformed or has a high s. Callers compare it only with nonzero addresses.
    function _signer(bytes32 digest, bytes calldata signature) private pure returns (address signer) {
        uint256 length = signature.length;
        if (length != 64 && length != 65) return address(0);
        bytes32 r = bytes32(signature[:32]);
        bytes32 s = bytes32(signature[32:64]);
        if (length == 64) {
            (signer,,) = ECDSA.tryRecover(digest, r, s);
        } else {
            uint8 v = uint8(signature[64]);
            (signer,,) = ECDSA.tryRecover(digest, v < 2 ? v + 27 : v, r, s);
        }
    }

    function _mayAct(address device, uint32 scope) private view returns (bool) {
        PackedBinding held = _bindings[device];
        return held.owner() == address(0) || (held.inForce(block.timestamp) && held.covers(scope));
    }

    function _onCurve(uint256 x, uint256 y) private pure returns (bool) {
        if (x >= FIELD || y >= FIELD) return false;
        return mulmod(y, y, FIELD) == addmod(mulmod(mulmod(x, x, FIELD), x, FIELD), 7, FIELD);
    }
}
