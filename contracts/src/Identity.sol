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
        "Delegation(address owner,address sessionKey,bytes32 peerId,uint32 scope,uint64 validUntil,uint32 epoch)"
    );
    bytes32 private constant CONSENT_TYPEHASH = keccak256("SessionConsent(address owner,uint32 epoch)");

    /// @dev The prime of secp256k1's field (SEC 2, section 2.4.1).
    uint256 private constant FIELD = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEFFFFFC2F;

    mapping(address device => PackedBinding) private _bindings;
    mapping(address owner => address[]) private _devices;
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
        if (held.owner() == address(0)) {
            require(_devices[owner].length < MAX_DEVICES, TooManyDevices());
            _devices[owner].push(device);
        } else {
            require(held.owner() == owner, Taken(device, held.owner()));
            // In the same epoch an old signature could be posted again. It must neither revive nor shorten a
            // delegation.
            if (held.epoch() == delegation.epoch) {
                require(!held.isRevoked(), DeviceRevoked(device));
                require(
                    delegation.validUntil > held.validUntil(),
                    NotLonger(delegation.validUntil, held.validUntil())
                );
            }
        }
        _bindings[device] = packBinding(owner, delegation.validUntil, delegation.epoch, delegation.scope);
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
    function revokeAll() external {
        uint32 epoch = epochOf[msg.sender] + 1;
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
        return Binding(held.owner(), held.validUntil(), held.epoch(), held.scope(), held.isRevoked());
    }

    /// @inheritdoc IIdentity
    function devicesOf(address owner) external view returns (address[] memory) {
        return _devices[owner];
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

    /// @dev Checks a delegation before its signatures: owner, scope, validity and epoch.
    function _checkTerms(Delegation calldata delegation) private view {
        address owner = delegation.owner;
        require(owner != address(0) && owner != delegation.sessionKey, BadOwner(owner));
        require(delegation.scope != 0 && delegation.scope <= type(uint16).max, BadScope(delegation.scope));
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
                    delegation.epoch
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
        bytes32 consent =
            _hashTypedDataV4(keccak256(abi.encode(CONSENT_TYPEHASH, delegation.owner, delegation.epoch)));
        require(_signer(consent, consentSignature) == delegation.sessionKey, BadConsentSignature());
    }

    /// @dev Zero for a signature that is malformed or has a high s. Callers compare it only with nonzero
    /// addresses.
    function _signer(bytes32 digest, bytes calldata signature) private pure returns (address signer) {
        (signer,,) = ECDSA.tryRecover(digest, signature);
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
